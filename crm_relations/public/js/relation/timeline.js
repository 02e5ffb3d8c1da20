// The timeline of the customer file: fills the HTML field `timeline_html`.

import { api } from "../lib/api.js";
import { timeline_legend } from "../lib/enums.js";
import { date, money, user_name } from "../lib/format.js";
import { fill_html, html, icon_html, show_html } from "../lib/html.js";
import { form_url } from "../lib/links.js";
import { new_interaction } from "./new_interaction.js";

const PAGE = 30;
const IS_URL = /^(\/|https?:\/\/)/;

/** Return how a kind of entry is shown. Kinds of other apps have no icon of their own. */
const shown_as = (kind) => timeline_legend().kinds[kind] || { icon: "list", label: __(kind) };

class Timeline {
	constructor(frm) {
		this.frm = frm;
		this.group = "";
		this.$root = frm.get_field("timeline_html").$wrapper.empty();
		this.render_frame();
		this.reload();
	}

	render_frame() {
		show_html(this.$root, frame_html(this.group));
		this.$entries = this.$root.find("[data-part=entries]");
		this.$more = this.$root.find("[data-action=more]").on("click", () => this.load());
		this.$root
			.find("[data-action=new]")
			.toggle(frappe.model.can_create("Relation Interaction"))
			.on("click", () => new_interaction(this.frm));
		this.$root.find("[data-group]").on("click", (event) => {
			this.group = event.currentTarget.dataset.group;
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
		if (!this.day) this.say(__("Loading..."));
		const page = await api("crm_relations.interactions.api").get("get_timeline", {
			relation: this.frm.doc.name,
			before: this.next,
			limit: PAGE,
			group: this.group || null,
		});
		if (request !== this.request) return; // another filter was chosen meanwhile
		if (!this.day) this.$entries.empty();
		for (const entry of page.entries) this.$entries.append(String(this.entry_html(entry)));
		if (!this.$entries.children().length) this.say(__("Nothing yet."));
		this.next = page.next;
		this.$more.prop("disabled", false).toggleClass("hidden", !this.next);
	}

	say(text) {
		show_html(this.$entries, html`<p class="text-muted">${text}</p>`);
	}

	/** Return an entry, below the heading of its day where it is the first of that day. */
	entry_html(entry) {
		const [day] = entry.at.split(" ");
		const heading = day !== this.day && day_html(day);
		this.day = day;
		return html`${heading}${entry_html(entry)}`;
	}
}

function frame_html(chosen) {
	const chips = timeline_legend().groups.map(({ value, label }) => {
		const color = value === chosen ? "btn-primary" : "btn-default";
		return html`<button
			type="button"
			class="btn btn-xs ${color} mr-1"
			data-group="${value}"
			aria-pressed="${value === chosen}"
		>
			${label}
		</button>`;
	});
	return html`<div class="d-flex flex-wrap justify-content-between align-items-center mb-3">
			<div role="group" aria-label="${__("Filter")}">${chips}</div>
			<button type="button" class="btn btn-xs btn-primary" data-action="new">
				${icon_html("add", "xs")} ${__("New Interaction")}
			</button>
		</div>
		<div data-part="entries" aria-live="polite"></div>
		<button type="button" class="btn btn-default btn-sm mt-3 hidden" data-action="more">
			${__("Load More")}
		</button>`;
}

function day_html(day) {
	const days = frappe.datetime.get_day_diff(frappe.datetime.get_today(), day);
	const name = { 0: __("Today"), 1: __("Yesterday") }[days];
	const text = name ? `${name}, ${date(day)}` : date(day);
	return html`<h6 class="mt-4 mb-1 text-muted">${text}</h6>`;
}

function entry_html(entry) {
	const { icon, label } = shown_as(entry.kind);
	const time = entry.at.split(" ")[1];
	const kind = (entry.title || "").startsWith(label) ? "" : label;
	return html`<div
		class="d-flex py-2 border-bottom"
		data-doctype="${entry.doctype}"
		data-name="${entry.name}"
	>
		<div class="mr-3 text-muted" title="${label}">${icon_html(icon, "md")}</div>
		<div class="flex-fill" style="min-width: 0; overflow-wrap: anywhere">
			<div><span class="text-muted">${kind}</span> ${link(entry, label)} ${pill(entry)}</div>
			${entry.text && html`<div class="text-muted small">${entry.text}</div>`}
			${facts(entry)}${next_step(entry)}
		</div>
		${amount(entry)}
		<div class="text-muted small ml-3 text-right" style="min-width: 3em">
			${time.startsWith("00:00:00") ? "" : time.slice(0, 5)}
		</div>
	</div>`;
}

function amount(entry) {
	if (entry.amount === null) return "";
	const text = money(entry.amount, entry.currency);
	return html`<div class="text-nowrap ml-3 font-weight-bold">${text}</div>`;
}

function link(entry, label) {
	const title = entry.title || label;
	if (IS_URL.test(entry.url || "")) {
		return html`<a href="${entry.url}" target="_blank" rel="noopener">${title}</a>`;
	}
	return html`<a href="${form_url(entry.doctype, entry.name)}">${title}</a>`;
}

function pill({ status }) {
	if (!status) return "";
	const color = timeline_legend().colors[status] || "gray";
	return html`<span class="indicator-pill no-indicator-dot ${color} ml-1">${__(status)}</span>`;
}

function facts(entry) {
	const texts = [
		entry.direction && __(entry.direction),
		entry.person && user_name(entry.person),
		entry.response_type && __(entry.response_type),
		entry.points && __("{0} points", [cint(entry.points)]),
		entry.due && __("due on {0}", [date(entry.due)]),
		entry.until && __("until {0}", [date(entry.until)]),
		entry.mode && __(entry.mode),
		entry.duration && frappe.utils.get_formatted_duration(entry.duration),
		entry.campaign && entry.title !== entry.campaign && __("Campaign {0}", [entry.campaign]),
	].filter(Boolean);
	return texts.length > 0 && html`<div class="text-muted small">${texts.join(" · ")}</div>`;
}

function next_step(entry) {
	if (!entry.next_step) return "";
	const values = [entry.next_step, date(entry.next_step_on), user_name(entry.next_step_for)];
	const text = fill_html(__("Next step: {0}, on {1}, for {2}"), values);
	return html`<div class="small">${text}</div>`;
}

frappe.ui.form.on("Relation", {
	refresh(frm) {
		if (frm.is_new()) frm.get_field("timeline_html").$wrapper.empty();
		else frm.relation_timeline = new Timeline(frm);
	},
});
