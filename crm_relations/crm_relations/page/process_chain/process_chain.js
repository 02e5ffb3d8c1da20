// The page of a process chain: public/js/relation_chain.bundle.js. The frame is there before the bundle.
frappe.pages["process-chain"].on_page_load = (wrapper) =>
	frappe.ui.make_app_page({
		parent: wrapper,
		title: __("Document Flow"),
		single_column: true,
	});
frappe.pages["process-chain"].on_page_show = (wrapper) =>
	frappe
		.require(["relation_chain.bundle.css", "relation_chain.bundle.js"])
		.then(() => crm_relations.process_chain.show(wrapper));
