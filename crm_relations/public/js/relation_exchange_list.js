// Import and export above the list of relations. Loaded after the list's own script, whose settings stay.
(() => {
	const settings = (frappe.listview_settings["Relation"] ||= {});
	const onload = settings.onload;

	async function export_as(list, file_format) {
		const names = list.get_checked_items(true);
		const result = await frappe.xcall("crm_relations.relations.exchange.api.export_relations", {
			file_format,
			filters: names.length ? null : list.filter_area.get(),
			names: names.length ? names : null,
		});
		frappe.show_alert({
			message: frappe.utils.escape_html(result.message),
			indicator: "green",
		});
		if (result.file_url) window.open(result.file_url);
	}

	settings.onload = (list) => {
		onload?.(list);
		if (frappe.model.can_create("Relation Import")) {
			list.page.add_menu_item(__("Import from vCard, csv or Excel"), () =>
				frappe.new_doc("Relation Import"),
			);
		}
		if (frappe.model.can_export("Relation")) {
			for (const file_format of ["csv", "vCard 3.0", "vCard 4.0"]) {
				list.page.add_menu_item(__("Export as {0}", [file_format]), () =>
					export_as(list, file_format),
				);
			}
		}
	};
})();
