// The timeline of the customer file: fills the HTML field `timeline_html` of Relation.
// What comes from documents is text; all of it goes through escape() before it becomes HTML.
frappe.provide("crm_relations");

(() => {
	const PAGE = 30;
	const escape = (text) => frappe.utils.escape_html(String(text ?? ""));

	// kind → [icon, label]; the icons are in the sets of version 15 and 16
	const KINDS = {
		Call: ["call", __("Call")],
		Letter: ["edit", __("Letter")],
		Meeting: ["users", __("Meeting")],
		Visit: ["users", __("Visit")],
		Complaint: ["support", __("Complaint")],
		Wish: ["heart", __("Wish")],
		Observation: ["view", __("Observation")],
		"E-mail": ["mail", __("E-mail")],
		Telephone: ["call", __("Telephone Call")],
		Task: ["today", __("Task")],
		Campaign: ["share", __("Campaign")],
		Response: ["reply", __("Response")],
		Handover: ["assign", __("Handover")],
		File: ["attachment", __("File")],
		Contract: ["file", __("Contract")],
		Opportunity: ["crm", __("Opportunity")],
		Quotation: ["file", __("Quotation")],
		Order: ["sell", __("Order")],
		Delivery: ["stock", __("Delivery")],
		Invoice: ["accounting", __("Invoice")],
		Payment: ["income", __("Payment")],
	};
	const GROUPS = [
		[null, __("All")],
		["contacts", __("Contacts")],
		["documents", __("Documents")],
		["money", __("Money")],
	];
	const GOOD = [
		"Paid",
		"Completed",
		"Successful",
		"Solved",
		"Accepted",
		"Interested",
		"Submitted",
		"Closed",
	];
	const BAD = [
		"Overdue",
		"Cancelled",
		"Lost",
		"Refused",
		"Returned",
		"Error",
		"Expired",
		"Not Interested",
	];

	class Timeline {
		constructor(frm) {
			this.frm = frm;
			this.group = null;
			this.$root = frm.get_field("timeline_html").$wrapper.empty();
			this.render_frame();
			this.reload();
		}

		render_frame() {
			const chips = GROUPS.map(
				([group, label]) =>
					`<button type="button" class="btn btn-xs ${
						group === this.group ? "btn-primary" : "btn-default"
					} mr-1" data-group="${group || ""}" aria-pressed="${
						group === this.group
					}">${label}</button>`,
			).join("");
			this.$root.html(`
				<div class="d-flex flex-wrap justify-content-between align-items-center mb-3">
					<div role="group" aria-label="${__("Filter")}">${chips}</div>
					<button type="button" class="btn btn-xs btn-primary" data-action="new">
						${frappe.utils.icon("add", "xs")} ${__("New Interaction")}
					</button>
				</div>
				<div data-part="entries" aria-live="polite"></div>
				<button type="button" class="btn btn-default btn-sm mt-3 hidden" data-action="more">${__(
					"Load More",
				)}</button>`);
			this.$entries = this.$root.find("[data-part=entries]");
			this.$more = this.$root.find("[data-action=more]").on("click", () => this.load());
			this.$root
				.find("[data-action=new]")
				.toggle(frappe.model.can_create("Relation Interaction"))
				.on("click", () => crm_relations.new_interaction(this.frm));
			this.$root.find("[data-group]").on("click", (event) => {
				this.group = $(event.currentTarget).attr("data-group") || null;
				this.render_frame();
				this.reload();
			});
		}

		reload() {
			this.next = null;
			this.day = null;
			this.$entries.empty();
			return this.load();
		}

		async load() {
			const request = (this.request = {});
			this.$more.prop("disabled", true);
			if (!this.day) this.$entries.html(`<p class="text-muted">${__("Loading...")}</p>`);
			const page = await frappe.xcall(
				"crm_relations.interactions.api.get_timeline",
				{ relation: this.frm.doc.name, before: this.next, limit: PAGE, group: this.group },
				"GET",
			);
			if (request !== this.request) return; // another filter was chosen meanwhile
			if (!this.day) this.$entries.empty();
			for (const entry of page.entries) this.$entries.append(this.entry_html(entry));
			if (!this.$entries.children().length) {
				this.$entries.html(`<p class="text-muted">${__("Nothing yet.")}</p>`);
			}
			this.next = page.next;
			this.$more.prop("disabled", false).toggleClass("hidden", !this.next);
		}

		entry_html(entry) {
			const [day, time] = entry.at.split(" ");
			const heading = day === this.day ? "" : this.day_html(day);
			this.day = day;
			const [icon, label] = KINDS[entry.kind] || ["list", __(entry.kind)];
			const amount =
				entry.amount === null
					? ""
					: `<div class="text-nowrap ml-3 font-weight-bold">${escape(
							strip_html(format_currency(entry.amount, entry.currency)),
					  )}</div>`;
			return `${heading}
				<div class="d-flex py-2 border-bottom" data-doctype="${escape(entry.doctype)}" data-name="${escape(
					entry.name,
				)}">
					<div class="mr-3 text-muted" title="${label}">${frappe.utils.icon(icon, "md")}</div>
					<div class="flex-fill" style="min-width: 0; overflow-wrap: anywhere">
						<div>
							<span class="text-muted">${(entry.title || "").startsWith(label) ? "" : label}</span>
							${this.link_html(entry, label)}
							${this.status_html(entry)}
						</div>
						${entry.text ? `<div class="text-muted small">${escape(entry.text)}</div>` : ""}
						${this.facts_html(entry)}
					</div>
					${amount}
					<div class="text-muted small ml-3 text-right" style="min-width: 3em">${
						time.startsWith("00:00:00") ? "" : escape(time.slice(0, 5))
					}</div>
				</div>`;
		}

		day_html(day) {
			const days = frappe.datetime.get_day_diff(frappe.datetime.get_today(), day);
			const name = { 0: __("Today"), 1: __("Yesterday") }[days];
			const date = escape(frappe.datetime.str_to_user(day));
			return `<h6 class="mt-4 mb-1 text-muted">${name ? `${name}, ${date}` : date}</h6>`;
		}

		link_html(entry, label) {
			const is_url = /^(\/|https?:\/\/)/.test(entry.url || "");
			const href = is_url ? entry.url : frappe.utils.get_form_link(entry.doctype, entry.name);
			return `<a href="${escape(href)}"${
				is_url ? ' target="_blank" rel="noopener"' : ""
			}>${escape(entry.title || label)}</a>`;
		}

		status_html(entry) {
			if (!entry.status) return "";
			const color = GOOD.includes(entry.status)
				? "green"
				: BAD.includes(entry.status)
				  ? "red"
				  : "gray";
			return `<span class="indicator-pill no-indicator-dot ${color} ml-1">${escape(
				__(entry.status),
			)}</span>`;
		}

		facts_html(entry) {
			const date = (value) => escape(frappe.datetime.str_to_user(value));
			const person = (user) => escape(frappe.user.full_name(user) || user);
			const facts = [
				entry.direction && escape(__(entry.direction)),
				entry.person && person(entry.person),
				entry.response_type && escape(__(entry.response_type)),
				entry.points && __("{0} points", [cint(entry.points)]),
				entry.due && __("due on {0}", [date(entry.due)]),
				entry.until && __("until {0}", [date(entry.until)]),
				entry.mode && escape(__(entry.mode)),
				entry.duration && escape(frappe.utils.get_formatted_duration(entry.duration)),
				entry.campaign &&
					entry.title !== entry.campaign &&
					__("Campaign {0}", [escape(entry.campaign)]),
			].filter(Boolean);
			const step = entry.next_step
				? `<div class="small">${__("Next step: {0}, on {1}, for {2}", [
						escape(entry.next_step),
						date(entry.next_step_on),
						person(entry.next_step_for),
				  ])}</div>`
				: "";
			return (
				(facts.length ? `<div class="text-muted small">${facts.join(" · ")}</div>` : "") +
				step
			);
		}
	}

	crm_relations.show_timeline = (frm) => {
		frm.relation_timeline = new Timeline(frm);
	};

	// Log what was said with a relation, and what follows from it.
	crm_relations.new_interaction = (frm) => {
		const options = (fieldname) =>
			frappe.meta.get_docfield("Relation Interaction", fieldname).options;
		frappe.model.with_doctype("Relation Interaction", () => {
			const dialog = new frappe.ui.Dialog({
				title: __("New Interaction with {0}", [escape(frm.doc.relation_name)]),
				fields: [
					{
						fieldname: "kind",
						fieldtype: "Select",
						label: __("Kind"),
						options: options("kind"),
						default: "Call",
						reqd: 1,
					},
					{
						fieldname: "day",
						fieldtype: "Date",
						label: __("Day"),
						default: frappe.datetime.get_today(),
						reqd: 1,
					},
					{ fieldtype: "Column Break" },
					{
						fieldname: "direction",
						fieldtype: "Select",
						label: __("Direction"),
						options: options("direction"),
					},
					{
						fieldname: "outcome",
						fieldtype: "Select",
						label: __("Outcome"),
						options: options("outcome"),
					},
					{ fieldtype: "Section Break" },
					{ fieldname: "subject", fieldtype: "Data", label: __("Subject"), reqd: 1 },
					{ fieldname: "notes", fieldtype: "Small Text", label: __("Notes") },
					{ fieldtype: "Section Break", label: __("Next Step") },
					{ fieldname: "next_step", fieldtype: "Data", label: __("Next Step") },
					{ fieldtype: "Column Break" },
					{
						fieldname: "next_step_on",
						fieldtype: "Date",
						label: __("Due on"),
						depends_on: "next_step",
						mandatory_depends_on: "next_step",
					},
					{
						fieldname: "next_step_for",
						fieldtype: "Link",
						options: "User",
						label: __("For"),
						default: frappe.session.user,
						depends_on: "next_step",
					},
				],
				primary_action_label: __("Save"),
				primary_action: async ({ day, ...values }) => {
					dialog.disable_primary_action();
					try {
						await frappe.db.insert({
							doctype: "Relation Interaction",
							relation: frm.doc.name,
							...values,
							happened_on:
								day === frappe.datetime.get_today() ? null : `${day} 00:00:00`,
							notes: values.notes
								? escape(values.notes).replace(/\n/g, "<br>")
								: null,
							next_step_for: values.next_step ? values.next_step_for : null,
						});
					} finally {
						dialog.enable_primary_action();
					}
					dialog.hide();
					frappe.show_alert({ message: __("Saved"), indicator: "green" });
					frm.relation_timeline?.reload();
				},
			});
			dialog.show();
		});
	};

	frappe.ui.form.on("Relation", {
		refresh(frm) {
			if (frm.is_new()) frm.get_field("timeline_html").$wrapper.empty();
			else crm_relations.show_timeline(frm);
		},
	});
})();
