// The page of a process chain: public/js/relation_chain.bundle.js.
frappe.pages["process-chain"].on_page_show = (wrapper) =>
	frappe
		.require(["relation_chain.bundle.css", "relation_chain.bundle.js"])
		.then(() => crm_relations.process_chain.show(wrapper));
