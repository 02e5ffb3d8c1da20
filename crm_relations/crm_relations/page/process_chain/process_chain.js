// The process chain of a document, from the campaign to the ledger: /app/process-chain/Sales Invoice/NAME.
// Boxes stand in columns and are links; Tab and the arrow keys walk along them, Enter opens the document.
// What comes from documents is text; all of it goes through escape() before it becomes HTML.
(() => {
	const escape = (text) => frappe.utils.escape_html(String(text ?? ""));
	const SIZE = { width: 216, height: 104, gap_x: 40, gap_y: 18, account: 17, edge: 8 };
	const COLORS = {
		"GL Entry": "gray",
		"Sales Invoice": "green",
		"POS Invoice": "green",
		"Payment Entry": "blue",
		"Journal Entry": "blue",
		"Relation Campaign": "purple",
		"Relation Segment": "purple",
		"Relation Campaign Response": "purple",
	};
	//: these have no name that a person would know them by
	const NAMELESS = ["Relation Campaign Response", "Relation Handover"];
	const STATES = [__("Draft"), __("Submitted"), __("Cancelled")];

	// an amount comes as a decimal string; read as text in the site's number format its point would count as a group
	const money = (amount, currency) =>
		amount === null ? "" : strip_html(format_currency(Number(amount), currency));
	const date = (value) => (value ? frappe.datetime.str_to_user(value) : "");
	const person = (name) => (name ? frappe.user_info(name).fullname || name : "");
	const state = (box) =>
		box.status ? __(box.status) : box.docstatus ? STATES[box.docstatus] : "";

	function href(box) {
		if (box.doctype !== "GL Entry") return frappe.utils.get_form_link(box.doctype, box.name);
		const filters = {
			company: box.company,
			voucher_no: box.name,
			from_date: box.date,
			to_date: box.date,
			group_by: "",
		};
		return `/app/query-report/General Ledger?${new URLSearchParams(filters)}`;
	}

	// key → {x, y, width, height}; a box of the ledger is as high as its accounts need
	function places(boxes) {
		const filled = {};
		const result = {};
		for (const box of boxes) {
			const height = SIZE.height + Math.max((box.entries?.length || 0) - 3, 0) * SIZE.account;
			const y = filled[box.column] ?? SIZE.edge;
			const x = SIZE.edge + box.column * (SIZE.width + SIZE.gap_x);
			result[box.key] = { x, y, width: SIZE.width, height };
			filled[box.column] = y + height + SIZE.gap_y;
		}
		return result;
	}

	function box_html(box, place, start) {
		const style = `position: absolute; left: ${cint(place.x)}px; top: ${cint(
			place.y,
		)}px; width: ${cint(place.width)}px;
			height: ${cint(place.height)}px`;
		if (box.closed)
			return `<div class="chain-box chain-closed" style="${style}" tabindex="-1" role="listitem"
				data-key="${escape(box.key)}" aria-label="${__("Closed: you may not read it")}">
				${frappe.utils.icon("lock", "sm")} ${__("Closed")}</div>`;
		const color = COLORS[box.doctype] || "orange";
		const title = NAMELESS.includes(box.doctype) ? [__(box.title)] : [box.name, box.title];
		const label = [
			__(box.doctype),
			...new Set(title),
			date(box.date),
			money(box.amount, box.currency),
		]
			.concat(state(box), person(box.person))
			.filter(Boolean)
			.join(", ");
		const lines = box.entries ? entries_html(box) : document_html(box);
		return `<a class="chain-box${
			box.docstatus === 2 ? " chain-cancelled" : ""
		}" role="listitem" tabindex="-1"
			style="${style}; border-left: 4px solid var(--text-on-${color})" href="${escape(href(box))}"
			data-key="${escape(box.key)}" aria-label="${escape(label)}" title="${escape(label)}"
			${box.key === start ? 'aria-current="true"' : ""}>
			<div class="chain-line text-muted"><span>${
				box.entries ? __("Ledger") : escape(__(box.doctype))
			}</span><span>${escape(date(box.date))}</span></div>${lines}</a>`;
	}

	function document_html(box) {
		const nameless = NAMELESS.includes(box.doctype);
		const title = box.title === box.name || nameless ? "" : box.title;
		return `<div class="chain-line"><b>${escape(nameless ? __(box.title) : box.name)}</b></div>
			<div class="chain-line"><span>${escape(title)}</span></div>
			<div class="chain-line"><span>${escape(state(box))}</span><b>${escape(
			money(box.amount, box.currency),
		)}</b></div>
			<div class="chain-line text-muted"><span>${escape(person(box.person))}</span></div>`;
	}

	function entries_html(box) {
		return box.entries
			.map((entry) => {
				const credit = Number(entry.debit) === 0;
				const amount = money(credit ? entry.credit : entry.debit, box.currency);
				return `<div class="chain-line"><span>${escape(entry.account)}</span><span>${
					credit ? __("Cr.") : __("Dr.")
				} ${escape(amount)}</span></div>`;
			})
			.join("");
	}

	function arrows_svg(arrows, at, width, height) {
		const paths = arrows.map(([earlier, later]) => {
			const [from, to] = [at[earlier], at[later]];
			const [x1, y1] = [from.x + from.width, from.y + from.height / 2];
			const [x2, y2] = [to.x - 4, to.y + to.height / 2];
			const bend = SIZE.gap_x / 2;
			return `<path d="M${x1} ${y1} H${x2 - 2 * bend + 6} C${x2 - bend} ${y1} ${
				x2 - bend
			} ${y2} ${x2} ${y2}" data-from="${earlier}" data-to="${later}" marker-end="url(#chain-arrow)"/>`;
		});
		return `<svg width="${width}" height="${height}" aria-hidden="true">
			<defs><marker id="chain-arrow" viewBox="0 0 8 8" refX="5" refY="4" markerWidth="7" markerHeight="7"
				orient="auto"><path d="M0 0 8 4 0 8z" style="fill: var(--gray-500); stroke: none"/></marker></defs>
			${paths.join("")}</svg>`;
	}

	const STYLE = `<style>
		.chain { position: relative; overflow: auto; outline: none; min-height: 240px }
		.chain svg { position: absolute; left: 0; top: 0 }
		.chain path { fill: none; stroke: var(--gray-400); stroke-width: 1.5px }
		.chain path.chain-near { stroke: var(--primary); stroke-width: 2.5px }
		.chain-box { display: block; overflow: hidden; padding: 6px 10px; border: 1px solid var(--border-color);
			border-radius: 8px; background: var(--card-bg); color: var(--text-color); font-size: 12px; line-height: 18px }
		.chain-box:hover { text-decoration: none; box-shadow: var(--shadow-sm) }
		.chain-box:focus { outline: 2px solid var(--primary); outline-offset: 1px; text-decoration: none }
		.chain-box[aria-current] { background: var(--bg-yellow) }
		.chain-closed { display: flex; align-items: center; justify-content: center; gap: 6px; border-style: dashed;
			background: var(--control-bg); color: var(--text-muted) }
		.chain-cancelled { opacity: 0.6; text-decoration: line-through }
		.chain-line { display: flex; justify-content: space-between; gap: 8px; white-space: nowrap; height: 18px }
		.chain-line > :first-child { overflow: hidden; text-overflow: ellipsis; min-width: 0 }
		.chain-line > :last-child:not(:first-child) { flex-shrink: 0 }
	</style>`;

	function draw($body, chain) {
		const at = places(chain.boxes);
		const width = Math.max(...Object.values(at).map((box) => box.x + box.width)) + SIZE.edge;
		const height = Math.max(...Object.values(at).map((box) => box.y + box.height)) + SIZE.edge;
		const notes = [
			chain.cut && __("There are more documents than are shown here."),
			chain.boxes.some((box) => box.closed) &&
				__("A closed box is a document that you may not read."),
		].filter(Boolean);
		$body.html(`${STYLE}<div class="chain" role="list" aria-label="${__("Process Chain")}">
			<div style="width: ${width}px; height: ${height}px">${arrows_svg(chain.arrows, at, width, height)}
			${chain.boxes.map((box) => box_html(box, at[box.key], chain.start)).join("")}</div></div>
			<p class="text-muted small mt-2">${[
				...notes,
				__(
					"Arrow keys walk along the chain, Enter opens the document, Ctrl+Enter its own chain.",
				),
			].join("<br>")}</p>`);
		walk($body.find(".chain"), chain, at);
	}

	// arrow keys: left and right along the arrows, up and down in the column; one box is in the order of the Tab key
	function walk($chain, chain, at) {
		const element = (key) => $chain.find(`[data-key="${key}"]`);
		const near = (key, keys) =>
			keys.sort((a, b) => Math.abs(at[a].y - at[key].y) - Math.abs(at[b].y - at[key].y))[0];
		const column = (key) => {
			const number = chain.boxes.find((box) => box.key === key).column;
			return chain.boxes.filter((box) => box.column === number).map((box) => box.key);
		};
		const next = {
			ArrowRight: (key) =>
				near(
					key,
					chain.arrows.filter((a) => a[0] === key).map((a) => a[1]),
				),
			ArrowLeft: (key) =>
				near(
					key,
					chain.arrows.filter((a) => a[1] === key).map((a) => a[0]),
				),
			ArrowDown: (key) => column(key)[column(key).indexOf(key) + 1],
			ArrowUp: (key) => column(key)[column(key).indexOf(key) - 1],
			Home: () => chain.boxes[0].key,
			End: () => chain.boxes.at(-1).key,
		};
		$chain
			.on("focusin", ".chain-box", (event) => {
				const key = event.currentTarget.dataset.key;
				$chain.find(".chain-box").attr("tabindex", -1);
				element(key).attr("tabindex", 0);
				$chain.find("path").removeClass("chain-near");
				$chain
					.find(`path[data-from="${key}"], path[data-to="${key}"]`)
					.addClass("chain-near");
			})
			.on("keydown", ".chain-box", (event) => {
				const box = chain.boxes.find((b) => b.key === event.currentTarget.dataset.key);
				if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
					event.preventDefault();
					event.stopPropagation();
					if (!box.closed && !box.entries)
						frappe.set_route("process-chain", box.doctype, box.name);
					return;
				}
				const key = next[event.key]?.(box.key);
				if (!key) return;
				event.preventDefault();
				event.stopPropagation();
				element(key)
					.trigger("focus")[0]
					.scrollIntoView({ block: "nearest", inline: "nearest" });
			});
		element(chain.start).attr("tabindex", 0);
		element(chain.start)[0].scrollIntoView({ block: "nearest", inline: "center" });
		element(chain.start).trigger("focus");
	}

	async function show(page) {
		const [, doctype, ...rest] = frappe.get_route();
		const name = rest.join("/");
		const $body = $(page.main).find(".chain-body");
		if (!doctype || !name) {
			page.set_title(__("Process Chain"));
			$body.html(
				`<p class="text-muted">${__(
					"Choose a document to see where it comes from and what came of it.",
				)}</p>`,
			);
			return;
		}
		const title = `${__("Process Chain")}: ${name}`;
		page.set_title(escape(title), null, true, title);
		page.chain_fields.doctype.set_input(doctype);
		page.chain_fields.name.df.options = doctype;
		page.chain_fields.name.set_input(name);
		$body.html(`<p class="text-muted">${__("Loading...")}</p>`);
		try {
			const chain = await frappe.xcall(
				"crm_relations.pipeline.api.process_chain",
				{ doctype, name },
				"GET",
			);
			if (frappe.get_route().slice(1).join("/") === `${doctype}/${name}`) draw($body, chain);
		} catch (error) {
			$body.html(
				`<p class="text-muted">${__("The chain of {0} cannot be shown.", [
					escape(name),
				])}</p>`,
			);
		}
	}

	frappe.pages["process-chain"].on_page_load = (wrapper) => {
		const page = frappe.ui.make_app_page({
			parent: wrapper,
			title: __("Process Chain"),
			single_column: true,
		});
		wrapper.page = page;
		$(wrapper).find(".page-body").removeClass("container").addClass("container-fluid"); // a chain is wide
		$(page.main).append('<div class="chain-body" style="padding: 15px"></div>');
		page.chain_fields = {};
		page.chain_fields.doctype = page.add_field({
			fieldname: "document_type",
			label: __("Document Type"),
			fieldtype: "Link",
			options: "DocType",
			change() {
				page.chain_fields.name.df.options = this.get_value();
			},
		});
		page.chain_fields.name = page.add_field({
			fieldname: "document",
			label: __("Document"),
			fieldtype: "Link",
			options: "Sales Invoice",
			change() {
				const doctype = page.chain_fields.doctype.get_value();
				const name = this.get_value();
				const route = frappe.get_route();
				if (doctype && name && (route[1] !== doctype || route.slice(2).join("/") !== name))
					frappe.set_route("process-chain", doctype, name);
			},
		});
	};

	frappe.pages["process-chain"].on_page_show = (wrapper) => show(wrapper.page);
})();
