// The value of one condition: the desk's own control for its type, a list of values, days, or a period.
// What comes from documents is text; it reaches the page by text() and attr() only.

import { icon_html } from "../lib/html.js";

export function choice(labels, value, name) {
	const select = $(`<select class="form-control input-sm"></select>`).attr("aria-label", name);
	Object.entries(labels).forEach(([key, label]) =>
		select.append($("<option>").val(key).text(label)),
	);
	return select.val(value);
}

export function remove_button(label, action) {
	return $(
		`<button type="button" class="btn btn-xs rs-remove">${icon_html("close", "xs")}</button>`,
	)
		.attr({ "aria-label": label, title: label })
		.on("click", action);
}

/** Tell whether values can be chosen from a list. Without the right to read the records the list would stay empty, and
 * their names are typed instead. */
function may_choose(doctype) {
	return doctype && (frappe.model.can_read(doctype) || frappe.model.can_select(doctype));
}

export class ValueEditor {
	/**
	 * @param {Grammar} grammar what operators compare with
	 * @param {object} periods the periods of the calendar: value → label
	 * @param {function} changed is called when the value of the condition has changed
	 */
	constructor({ parent, field, condition, grammar, periods, changed }) {
		Object.assign(this, { parent, field, condition, changed });
		const shape = grammar.takes(condition.operator);
		if (shape === "days") {
			this.number(condition.value, (days) => this.set(days), { min: 1, step: 1 });
		} else if (shape === "period") {
			choice(periods, condition.value, __("Period"))
				.appendTo(parent)
				.on("change", (event) => this.set(event.target.value));
		} else if (shape === "two") {
			this.single(condition.value?.[0], (from) => this.set([from, this.condition.value[1]]));
			parent.append($(`<span class="rs-unit"></span>`).text(__("and")));
			this.single(condition.value?.[1], (to) => this.set([this.condition.value[0], to]));
		} else if (shape === "list") {
			this.list();
		} else if (shape === "one") {
			this.single(condition.value, (value) => this.set(value));
		}
	}

	set(value) {
		if (JSON.stringify(value) === JSON.stringify(this.condition.value)) return;
		this.condition.value = value;
		this.changed();
	}

	single(value, set) {
		const { type, doctype, choices = [] } = this.field;
		if (type === "check") {
			choice({ true: __("Yes"), false: __("No") }, String(Boolean(value)), __("Value"))
				.appendTo(this.parent)
				.on("change", (event) => set(event.target.value === "true"));
		} else if (choices.length) {
			const labels = Object.fromEntries(choices.map((one) => [one.value, one.label]));
			if (!(value in labels)) labels[value ?? ""] = value || __("Choose …");
			choice(labels, value ?? "", __("Value"))
				.appendTo(this.parent)
				.on("change", (event) => set(event.target.value));
		} else if (may_choose(doctype)) {
			this.link(value, set);
		} else if (type === "date") {
			this.control({ fieldtype: "Date" }, value, set);
		} else if (["text", "option", "tree", "set"].includes(type) || doctype) {
			this.text(value, set);
		} else {
			this.number(value, set);
		}
	}

	text(value, set) {
		return $(`<input type="text" class="form-control input-sm" maxlength="140">`)
			.attr({ "aria-label": __("Value"), placeholder: __("Value") })
			.val(value)
			.appendTo(this.parent)
			.on("input", (event) => set(event.target.value));
	}

	number(value, set, limits = { step: "any" }) {
		return $(`<input type="number" class="form-control input-sm rs-number">`)
			.attr({ "aria-label": __("Value"), ...limits })
			.val(value)
			.appendTo(this.parent)
			.on("input", (event) =>
				set(event.target.value === "" ? "" : Number(event.target.value)),
			);
	}

	link(value, set) {
		const df = { fieldtype: "Link", options: this.field.doctype, only_select: 1 };
		const filters = this.field.filters || {};
		if (Object.keys(filters).length) df.get_query = () => ({ filters });
		return this.control(df, value, set);
	}

	/**
	 * A control of the desk. It keeps its value in a document of its own: what the input shows is the
	 * title of a record, and arrives later than the value.
	 */
	control(df, value, set) {
		const doc = { value };
		const control = frappe.ui.form.make_control({
			parent: $(`<div class="rs-control"></div>`).appendTo(this.parent),
			df: {
				fieldname: "value",
				placeholder: __("Value"),
				...df,
				change: () => set(doc.value || ""),
			},
			only_input: true,
			render_input: true,
		});
		control.doc = doc;
		control.$input.addClass("input-sm").attr("aria-label", __("Value"));
		control.refresh();
		return control;
	}

	list() {
		const { choices = [], doctype } = this.field;
		const pills = $(`<span class="rs-pills"></span>`).appendTo(this.parent);
		const show = () => {
			pills.empty();
			this.condition.value.forEach((value, i) => {
				const pill = $(`<span class="rs-pill"></span>`).append(this.title(value));
				const drop = () => {
					this.set(this.condition.value.filter((_, k) => k !== i));
					show();
					this.parent.find("input, select").first().trigger("focus");
				};
				pill.append(remove_button(__("Remove {0}", [value]), drop)).appendTo(pills);
			});
		};
		const add = (value) => {
			if (value && !this.condition.value.includes(value)) {
				this.set([...this.condition.value, value]);
				show();
			}
		};
		show();
		if (choices.length) {
			const labels = Object.fromEntries(choices.map((one) => [one.value, one.label]));
			choice({ "": __("Add …"), ...labels }, "", __("Add a value"))
				.appendTo(this.parent)
				.on("change", (event) => {
					add(event.target.value);
					event.target.value = "";
				});
		} else if (may_choose(doctype)) {
			const control = this.link("", (value) => {
				if (!value) return;
				add(value);
				control.set_value("");
			});
			control.$input.attr({ placeholder: __("Add …"), "aria-label": __("Add a value") });
		} else {
			const input = this.text("", () => {}).attr("placeholder", __("Type and press Enter"));
			const take = () => {
				add(input.val().trim());
				input.val("");
			};
			input.on("change", take).on("keydown", (event) => {
				if (event.key !== "Enter") return;
				event.preventDefault();
				take();
			});
		}
	}

	/** The value as people know it; titles of linked records come when they are fetched. */
	title(value) {
		const { choices = [], doctype } = this.field;
		const chosen = choices.find((one) => one.value === value);
		const text = $("<span>").text(chosen ? chosen.label : __(value));
		if (doctype && (frappe.boot.link_title_doctypes || []).includes(doctype)) {
			const known = frappe.utils.get_link_title(doctype, value);
			Promise.resolve(known || frappe.utils.fetch_link_title(doctype, value)).then((title) =>
				text.text(__(title || value)),
			);
		}
		return text;
	}
}
