// Calls of the server that can be aborted: a newer question replaces an older one.

import { api } from "../lib/api.js";

export const segments_api = api("crm_relations.segments.api");

/** Call a function; `signal` aborts it. Rejects with the message of the server. */
export async function ask(method, args, signal) {
	const response = await fetch(`/api/method/${segments_api.module}.${method}`, {
		method: "POST",
		signal,
		headers: {
			Accept: "application/json",
			"X-Frappe-CSRF-Token": frappe.csrf_token,
			"Content-Type": "application/json",
		},
		body: JSON.stringify(args),
	});
	const answer = await response.json().catch(() => ({}));
	if (response.ok) return answer.message;
	let message = "";
	try {
		message = JSON.parse(JSON.parse(answer._server_messages)[0]).message;
	} catch {
		// an error without a message
	}
	throw new Error(strip_html(message));
}
