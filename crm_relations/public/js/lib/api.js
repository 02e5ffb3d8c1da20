// Calls of the server.

/** Return `module`, `get` and `post` for the functions of one api.py, such as "crm_relations.ledger.api". */
export const api = (module) => ({
	module,
	get: (method, args = {}) => frappe.xcall(`${module}.${method}`, args, "GET"),
	post: (method, args = {}) => frappe.xcall(`${module}.${method}`, args),
});

/** Ask a question as HTML; resolves to whether the user agrees. */
export const confirmed = (question_html) =>
	new Promise((resolve) =>
		frappe.confirm(
			String(question_html),
			() => resolve(true),
			() => resolve(false),
		),
	);
