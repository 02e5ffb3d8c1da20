// Import and export in the menu of the list of relations.

import { api } from "../lib/api.js";
import { escape } from "../lib/html.js";

const FORMATS = ["csv", "vCard 3.0", "vCard 4.0"];

async function export_as(list, file_format) {
	const names = list.get_checked_items(true);
	const result = await api("crm_relations.relations.exchange.api").post("export_relations", {
		file_format,
		filters: names.length ? null : list.filter_area.get(),
		names: names.length ? names : null,
	});
	frappe.show_alert({ message: escape(result.message), indicator: "green" });
	if (result.file_url) window.open(result.file_url);
}

export function add_exchange_menu(list) {
	if (frappe.model.can_create("Relation Import")) {
		list.page.add_menu_item(__("Import from vCard, csv or Excel"), () =>
			frappe.new_doc("Relation Import"),
		);
	}
	if (!frappe.model.can_export("Relation")) return;
	for (const file_format of FORMATS) {
		list.page.add_menu_item(__("Export as {0}", [file_format]), () =>
			export_as(list, file_format),
		);
	}
}
