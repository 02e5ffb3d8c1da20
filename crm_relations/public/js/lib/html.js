// Markup that is safe by construction. Values become text unless they are markup already. Knows no screen.

const SIGNS = {
	"&": "&amp;",
	"<": "&lt;",
	">": "&gt;",
	'"': "&quot;",
	"'": "&#39;",
	"`": "&#x60;",
	"=": "&#x3D;",
};

/** Return a text with every sign escaped that means something in HTML. */
export const escape = (text) => String(text ?? "").replace(/[&<>"'`=]/g, (sign) => SIGNS[sign]);

/** A piece of HTML. Only this file makes one. */
class Markup {
	constructor(text) {
		this.text = text;
	}

	toString() {
		return this.text;
	}
}

function written(value) {
	if (value === null || value === undefined || value === false) return "";
	if (value instanceof Markup) return value.text;
	return Array.isArray(value) ? value.map(written).join("") : escape(value);
}

/** Template tag: html`<b>${name}</b>`. Escapes texts, keeps markup, joins lists, omits null and false. */
export function html(strings, ...values) {
	return new Markup(strings.reduce((made, string, i) => made + written(values[i - 1]) + string));
}

/** Fill the placeholders {0}, {1} … of a translated text with texts or markup. */
export function fill_html(text, values) {
	const parts = text.split(/\{(\d+)\}/);
	return new Markup(parts.map((part, i) => written(i % 2 ? values[part] : part)).join(""));
}

/** Take a text that the server has made as HTML, and escaped. */
export const server_html = (text) => new Markup(String(text ?? ""));

/** Return an icon of the desk. */
export const icon_html = (name, size) => new Markup(frappe.utils.icon(name, size));

/** Join texts or markup with a separator, omitting what is empty. */
export const joined_html = (values, separator) =>
	new Markup(values.map(written).filter(Boolean).join(written(separator)));

/** Return a table: heads are texts, rows are markup. A head "#Amount" stands on the right. */
export function table_html(heads, rows, css = "table table-sm") {
	const head = heads.map((text) =>
		text.startsWith("#")
			? html`<th scope="col" class="text-right">${text.slice(1)}</th>`
			: html`<th scope="col">${text}</th>`,
	);
	return html`<div class="table-responsive">
		<table class="${css}">
			<thead>
				<tr class="text-muted">
					${head}
				</tr>
			</thead>
			<tbody>
				${rows}
			</tbody>
		</table>
	</div>`;
}

/** Show markup in an element of jQuery. */
export const show_html = ($element, markup_html) => $element.html(String(markup_html));
