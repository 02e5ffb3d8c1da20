// Roles, stages and actions on the customer file.

import { api } from "../lib/api.js";
import { date } from "../lib/format.js";
import { escape, html, show_html, table_html } from "../lib/html.js";
import { link_html } from "../lib/links.js";

const relations = api("crm_relations.relations.api");

const openers = {
	new: (action) => frappe.new_doc(action.target, action.values),
	mapped: (action) =>
		frappe.model.open_mapped_doc({
			method: action.target,
			source_name: action.values.source_name,
		}),
	report: (action) => frappe.set_route("query-report", action.target, action.values),
	form: (action) => frappe.set_route("Form", action.target, action.values.name),
	call: (action, frm) => call(action, frm),
};

async function call(action, frm) {
	const answers = action.asks.length ? await ask(action) : await confirm(action);
	if (!answers) return;
	const result = await frappe.xcall(action.target, { ...action.values, ...answers });
	if (result?.message) {
		frappe.show_alert({ message: escape(result.message), indicator: "green" });
	}
	frm.reload_doc();
}

function ask(action) {
	return new Promise((resolve) => {
		const fields = action.asks.map(({ filters, ...df }) => ({
			...df,
			...(filters ? { get_query: () => ({ filters }) } : {}),
		}));
		const dialog = frappe.prompt(fields, resolve, __(action.label));
		dialog.onhide = () => setTimeout(() => resolve(null)); // after the answer, if there is one
	});
}

function confirm(action) {
	if (!action.confirm) return {};
	return new Promise((resolve) => {
		frappe.confirm(
			escape(action.confirm),
			() => resolve({}),
			() => resolve(null),
		);
	});
}

function show_actions(frm, actions) {
	for (const action of actions) {
		frm.add_custom_button(
			__(action.label),
			() => openers[action.opens](action, frm),
			__(action.role),
		);
	}
}

function days_text(days) {
	return days === 1 ? __("1 day") : __("{0} days", [days]);
}

function evidence({ document_type, document_name }) {
	if (!document_name) return "";
	const label = `${__(document_type)} ${document_name}`;
	return frappe.model.can_read(document_type)
		? link_html(document_type, document_name, label)
		: label;
}

function show_way(frm, { way, days }) {
	const $wrapper = frm.get_field("stages_html").$wrapper.empty();
	if (!way.length) return;
	const rows = way.map(
		(spell) =>
			html`<tr>
				<td>${__(spell.stage)}</td>
				<td>${date(spell.since)}</td>
				<td>${spell.until ? date(spell.until) : __("today")}</td>
				<td class="text-right">${days_text(spell.days)}</td>
				<td>${evidence(spell)}</td>
			</tr>`,
	);
	const heads = [__("Stage"), __("Since"), __("Until"), `#${__("Duration")}`, __("Reason")];
	const totals = Object.entries(days).map(
		([stage, number]) => `${__(stage)}: ${days_text(number)}`,
	);
	show_html(
		$wrapper,
		html`<div class="form-group" data-part="stages">
			<div class="clearfix">
				<label class="control-label">${__("Stage History")}</label>
			</div>
			${table_html(heads, rows, "table table-sm table-bordered mb-1")}
			<p class="text-muted small">${totals.join(" · ")}</p>
		</div>`,
	);
}

frappe.ui.form.on("Relation", {
	onload(frm) {
		frm.set_query("role", "roles", () => ({ filters: { is_standard: 0 } }));
	},
	async refresh(frm) {
		frm.get_field("stages_html").$wrapper.empty();
		if (frm.is_new()) return;
		const name = frm.doc.name;
		const panel = await relations.get("role_panel", { relation: name });
		if (frm.doc.name !== name) return; // another relation was opened meanwhile
		show_actions(frm, panel.actions);
		show_way(frm, panel);
	},
});

frappe.ui.form.on("Relation Role", {
	before_roles_remove(frm, cdt, cdn) {
		const row = frappe.get_doc(cdt, cdn);
		if (row.derived) {
			frappe.throw(
				__("{0} follows from the documents in ERPNext and cannot be removed here.", [
					escape(__(row.role)),
				]),
			);
		}
	},
});
