// The page of a document flow, from the campaign to the ledger: /app/process-chain/Sales Invoice/NAME.
// Tab reaches one box, the arrow keys move along the chain, Enter opens the document.

import { api } from "../lib/api.js";
import { escape, html, show_html } from "../lib/html.js";
import { chain_html } from "./chain_html.js";
import { next_box, places } from "./layout.js";

const ROUTE = "process-chain";

class ChainPage {
	constructor(wrapper) {
		this.page = wrapper.page;
		$(wrapper).find(".page-body").removeClass("container").addClass("container-fluid"); // a chain is wide
		this.$body = $('<div class="chain-body" style="padding: 15px"></div>').appendTo(
			this.page.main,
		);
		this.doctype = this.page.add_field({
			fieldname: "document_type",
			label: __("Document Type"),
			fieldtype: "Link",
			options: "DocType",
			change: () => (this.name.df.options = this.doctype.get_value()),
		});
		this.name = this.page.add_field({
			fieldname: "document",
			label: __("Document"),
			fieldtype: "Link",
			options: "Sales Invoice",
			change: () => this.open_chosen(),
		});
	}

	open_chosen() {
		const [doctype, name] = [this.doctype.get_value(), this.name.get_value()];
		const [, shown, ...rest] = frappe.get_route();
		if (doctype && name && (shown !== doctype || rest.join("/") !== name)) {
			frappe.set_route(ROUTE, doctype, name);
		}
	}

	say(text) {
		show_html(this.$body, html`<p class="text-muted">${text}</p>`);
	}

	async show() {
		const [, doctype, ...rest] = frappe.get_route();
		const name = rest.join("/");
		if (!doctype || !name) {
			this.page.set_title(__("Document Flow"));
			this.say(__("Choose a document to see what came before and after it."));
			return;
		}
		const title = `${__("Document Flow")}: ${name}`;
		this.page.set_title(escape(title), null, true, title);
		this.doctype.set_input(doctype);
		this.name.df.options = doctype;
		this.name.set_input(name);
		this.say(__("Loading..."));
		const is_shown = () => frappe.get_route().slice(1).join("/") === `${doctype}/${name}`;
		try {
			const chain = await api("crm_relations.pipeline.api").get("process_chain", {
				doctype,
				name,
			});
			if (is_shown()) this.draw(chain);
		} catch {
			// the desk has shown the server's reason
			if (is_shown()) this.say(__("The document flow of {0} cannot be shown.", [name]));
		}
	}

	draw(chain) {
		const at = places(chain.boxes);
		show_html(this.$body, chain_html(chain, at));
		const $chain = this.$body.find(".chain");
		const element = (key) => $chain.find(`[data-key="${key}"]`);
		$chain
			.on("focusin", ".chain-box", ({ currentTarget }) => {
				const { key } = currentTarget.dataset;
				$chain.find(".chain-box").attr("tabindex", -1);
				element(key).attr("tabindex", 0);
				$chain.find("path").removeClass("chain-near");
				$chain
					.find(`path[data-from="${key}"], path[data-to="${key}"]`)
					.addClass("chain-near");
			})
			.on("keydown", ".chain-box", (event) => {
				const { key } = event.currentTarget.dataset;
				const opens_chain = event.key === "Enter" && (event.ctrlKey || event.metaKey);
				const next = next_box(chain, at, key, event.key);
				if (!opens_chain && !next) return;
				event.preventDefault();
				event.stopPropagation();
				if (opens_chain) this.open_chain(chain.boxes.find((box) => box.key === key));
				else {
					element(next)
						.trigger("focus")[0]
						.scrollIntoView({ block: "nearest", inline: "nearest" });
				}
			});
		element(chain.start).attr("tabindex", 0);
		element(chain.start)[0].scrollIntoView({ block: "nearest", inline: "center" });
		element(chain.start).trigger("focus");
	}

	open_chain({ closed, entries, doctype, name }) {
		if (!closed && !entries) frappe.set_route(ROUTE, doctype, name);
	}
}

/** Show the chain that the address names; the fields of the page are made once. */
export function show(wrapper) {
	wrapper.chain_page ||= new ChainPage(wrapper);
	wrapper.chain_page.show();
}
