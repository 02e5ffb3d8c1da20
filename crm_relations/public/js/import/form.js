// Import of relations: check first, look at the outcome of each row, then start.

import { api } from "../lib/api.js";
import { ImportStatus } from "../lib/enums.js";
import { escape, html, show_html } from "../lib/html.js";
import { findings_html, preview_html } from "./preview_html.js";

const exchange = api("crm_relations.relations.exchange.api");
/** Choices that the check of the file depends on. */
const CHOICES = ["import_file", "existing", "date_order", "names_as"];

/** Ask the questions that the file does not answer before anything is written. */
function answer_questions(frm, go_on) {
	const { questions = [] } = JSON.parse(frm.doc.findings || "{}");
	if (!questions.length || frm.doc.status !== ImportStatus.CHECKED) {
		go_on();
		return;
	}
	const fields = questions.map(({ field, text, examples }) => {
		const { label, options } = frappe.meta.get_docfield(frm.doctype, field);
		return {
			fieldname: field,
			fieldtype: "Select",
			label: __(label),
			options,
			default: frm.doc[field],
			description: escape([text, ...examples].join(" · ")),
			reqd: 1,
		};
	});
	frappe.prompt(
		fields,
		async (values) => {
			const has_changed = Object.keys(values).some((name) => values[name] !== frm.doc[name]);
			if (!has_changed) {
				go_on();
				return;
			}
			await frm.set_value(values);
			await call(frm, "check_import");
		},
		__("Before the Import"),
		__("Continue"),
	);
}

async function call(frm, method) {
	if (frm.is_dirty()) await frm.save();
	const message = await exchange.post(method, { name: frm.doc.name });
	frappe.show_alert({ message: escape(message), indicator: "green" });
	frm.reload_doc();
}

function add_buttons(frm) {
	const { status } = frm.doc;
	const { DRAFT, CHECKED, IMPORTING, FAILED } = ImportStatus;
	const may_check = [DRAFT, CHECKED].includes(status);
	frm.toggle_enable(CHOICES, may_check);
	if (may_check) frm.add_custom_button(__("Preview"), () => call(frm, "check_import"));
	if (![CHECKED, IMPORTING, FAILED].includes(status)) return;
	const label = status === CHECKED ? __("Start Import") : __("Continue Import");
	frm.add_custom_button(label, () => answer_questions(frm, () => call(frm, "start_import")))
		.removeClass("btn-default")
		.addClass("btn-primary");
}

/** Offer the fields that a column of the file can fill. */
async function offer_targets(frm) {
	const targets = await exchange.get("import_targets");
	const labels = Object.fromEntries(targets.map(({ value, label }) => [value, label]));
	const { grid } = frm.fields_dict.columns;
	grid.update_docfield_property("target", "options", targets);
	grid.update_docfield_property("target", "formatter", (value) => escape(labels[value] || value));
}

frappe.ui.form.on("Relation Import", {
	async refresh(frm) {
		const is_checked = frm.doc.status === ImportStatus.CHECKED;
		show_html(
			frm.get_field("preview_html").$wrapper,
			is_checked ? html`${findings_html(frm.doc)}${preview_html(frm.doc)}` : "",
		);
		if (frm.doc.failure) frm.set_intro(escape(frm.doc.failure), "red");
		if (frm.is_new()) return;
		add_buttons(frm);
		await offer_targets(frm);
	},
});
