// The relationships of a relation: a small graph that can be clicked and walked with the Tab key, the list of its
// links, and the group of companies with its figures. Plain SVG, nothing loaded from elsewhere.
// What comes from documents is text; all of it goes through escape() before it becomes HTML.
(() => {
	const escape = (text) => frappe.utils.escape_html(String(text ?? ""));
	const call = (method, args) =>
		frappe.xcall(`crm_relations.relations.api.${method}`, args, "GET");
	const date = (value) => (value ? escape(frappe.datetime.str_to_user(value)) : "");
	const money = (value, currency) => escape(strip_html(format_currency(value, currency)));
	const relation_link = (name, text) =>
		`<a href="${escape(frappe.utils.get_form_link("Relation", name))}">${escape(text)}</a>`;

	const SIZE = { width: 960, height: 500 };
	const RINGS = [
		[0, 0],
		[230, 125],
		[400, 215],
	];
	const COLORS = { Lead: "blue", Prospect: "orange", Customer: "green" };
	const cut = (text, length) => (text.length > length ? `${text.slice(0, length - 1)}…` : text);

	// node → [x, y]: the middle, then two rings; who is two links away stands outside the one he came by
	function places(graph) {
		const [middle, ...others] = graph.nodes;
		const came_by = {};
		for (const edge of graph.edges) {
			for (const [here, there] of [
				[edge.relation, edge.related_relation],
				[edge.related_relation, edge.relation],
			]) {
				const from = graph.nodes.find((node) => node.name === here);
				const to = graph.nodes.find((node) => node.name === there);
				if (from && to && to.hop === from.hop + 1) came_by[there] ??= here;
			}
		}
		const near = others.filter((node) => node.hop === 1);
		const outside = (node) =>
			others.filter((o) => o.hop === 2 && came_by[o.name] === node.name);
		const widths = near.map((node) => 1 + outside(node).length);
		const total = widths.reduce((sum, width) => sum + width, 0) || 1;
		const at = (angle, ring) => [
			SIZE.width / 2 + RINGS[ring][0] * Math.cos(angle),
			SIZE.height / 2 + RINGS[ring][1] * Math.sin(angle),
		];
		const result = { [middle.name]: at(0, 0) };
		let start = -Math.PI / 2;
		near.forEach((node, i) => {
			const sector = (2 * Math.PI * widths[i]) / total;
			result[node.name] = at(start + sector / 2, 1);
			const far = outside(node);
			far.forEach((other, j) => {
				result[other.name] = at(start + (sector * (j + 0.5)) / far.length, 2);
			});
			start += sector;
		});
		return result;
	}

	function tie_text(edge, node, graph) {
		const outgoing = edge.relation === node.name;
		const name = outgoing ? edge.related_relation : edge.relation;
		const other = graph.nodes.find((one) => one.name === name);
		return `${outgoing ? edge.reads : edge.reads_back} ${other.relation_name}`;
	}

	function node_svg(node, [x, y], graph) {
		const color = COLORS[node.stage] || "gray";
		const style = `fill: var(--bg-${color}); stroke: var(--text-on-${color})`;
		const shape =
			node.relation_kind === "Person"
				? `<circle cx="${x}" cy="${y}" r="13" style="${style}"/>`
				: `<rect x="${x - 15}" y="${
						y - 12
				  }" width="30" height="24" rx="5" style="${style}"/>`;
		const ties = graph.edges
			.filter((edge) => edge.relation === node.name || edge.related_relation === node.name)
			.map((edge) => tie_text(edge, node, graph));
		const about = [node.relation_name, node.stage && __(node.stage), ...ties]
			.filter(Boolean)
			.join(", ");
		return `<a class="relation-node" data-name="${escape(node.name)}" href="${escape(
			frappe.utils.get_form_link("Relation", node.name),
		)}" tabindex="0" aria-label="${escape(about)}"${node.hop ? "" : ' aria-current="true"'}>
				<title>${escape(about)}</title>${shape}
				<text x="${x}" y="${y + 27}" text-anchor="middle" style="fill: var(--text-color); font-size: 12px;
					font-weight: ${node.hop ? 400 : 600}">${escape(cut(node.relation_name, 24))}</text>
			</a>`;
	}

	function edge_svg(edge, at) {
		const [[x1, y1], [x2, y2]] = [at[edge.relation], at[edge.related_relation]];
		const rise = Math.abs(y2 - y1) > 8 ? 16 : 4; // a slanting edge runs into the names below its nodes
		return `<line x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}" style="stroke: var(--gray-400)"
				marker-end="url(#relation-arrow)"/>
			<text x="${(x1 + x2) / 2}" y="${(y1 + y2) / 2 - rise}" text-anchor="middle"
				style="fill: var(--text-muted); font-size: 10px; paint-order: stroke;
				stroke: var(--control-bg); stroke-width: 3px">${escape(cut(edge.reads, 22))}</text>`;
	}

	function graph_html(graph) {
		if (graph.nodes.length < 2) return "";
		const at = places(graph);
		return `<svg viewBox="0 0 ${SIZE.width} ${SIZE.height}" role="group" aria-label="${__(
			"Relationships",
		)}" style="width: 100%; max-height: 60vh; background: var(--control-bg); border-radius: 8px">
				<defs><marker id="relation-arrow" viewBox="0 0 8 8" refX="24" refY="4" markerWidth="7"
					markerHeight="7" orient="auto"><path d="M0 0 8 4 0 8z" style="fill: var(--gray-500)"/></marker>
					<style>.relation-node:focus { outline: none } .relation-node:focus circle,
					.relation-node:focus rect, .relation-node:hover circle, .relation-node:hover rect
					{ stroke-width: 3px }</style></defs>
				<g>${graph.edges.map((edge) => edge_svg(edge, at)).join("")}</g>
				${graph.nodes.map((node) => node_svg(node, at[node.name], graph)).join("")}
			</svg>
			${
				graph.more
					? `<p class="text-muted small mt-1">${__(
							"There are more than are shown here.",
					  )}</p>`
					: ""
			}`;
	}

	function links_html(links) {
		if (!links.length) return `<p class="text-muted mt-3">${__("No relationships yet.")}</p>`;
		const rows = links
			.map(
				(link) => `<tr class="${
					link.until && link.until <= frappe.datetime.get_today() ? "text-muted" : ""
				}">
					<td>${escape(link.reads)}</td><td>${relation_link(link.other, link.other_name)}</td>
					<td>${date(link.since)}</td><td>${date(link.until)}</td><td>${escape(link.notes)}</td>
					<td class="text-right"><a href="${escape(
						frappe.utils.get_form_link("Relation Link", link.name),
					)}">${__("Edit")}</a></td></tr>`,
			)
			.join("");
		const head = [
			__("Relationship"),
			__("Relation"),
			__("Since"),
			__("Until"),
			__("Notes"),
			"",
		];
		return table_html(head, rows);
	}

	function table_html(head, rows) {
		return `<div class="table-responsive mt-3"><table class="table table-sm">
			<thead><tr>${head
				.map((text) => `<th scope="col" class="text-muted">${text}</th>`)
				.join("")}</tr></thead>
			<tbody>${rows}</tbody></table></div>`;
	}

	function group_html(group, name) {
		const columns = ["revenue_12_months", "open_amount", "overdue_amount"];
		const amounts = (figures) =>
			columns
				.map(
					(column) =>
						`<td class="text-right">${figures
							.map((row) => money(row[column], row.currency))
							.join("<br>")}</td>`,
				)
				.join("");
		const several = group.totals.length > 1;
		const rows = group.members.map(
			(member) => `<tr${member.name === name ? ' class="font-weight-bold"' : ""}>
				<td style="padding-left: ${0.5 + member.level * 1.5}em">${relation_link(
				member.name,
				member.relation_name,
			)}</td>
				<td>${member.stage ? escape(__(member.stage)) : ""}</td>${
				group.figures ? amounts(member.figures) : ""
			}</tr>`,
		);
		const totals = group.totals.map(
			(total) =>
				`<tr class="font-weight-bold"><td colspan="2">${
					several ? __("Total of {0}", [escape(total.company)]) : __("Total")
				}</td>${amounts([total])}</tr>`,
		);
		const right = (text) => `<div class="text-right">${text}</div>`;
		const head = [__("Company"), __("Stage")].concat(
			group.figures
				? [__("Revenue of the Last 12 Months"), __("Open"), __("Overdue")].map(right)
				: [],
		);
		const notes = [
			group.hidden &&
				__("{0} members of the group are hidden: you may not read them.", [
					cint(group.hidden),
				]),
			group.cut && __("There are more than are shown here."),
		].filter(Boolean);
		return (
			table_html(head, rows.concat(totals).join("")) +
			notes.map((note) => `<p class="text-muted small">${note}</p>`).join("")
		);
	}

	async function add(frm) {
		const types = await call("offered_link_types");
		const kind = frm.doc.relation_kind;
		const fits = types.filter((type) => ["Both", kind].includes(type.kinds[0] || "Both"));
		const chosen = () => fits.find((type) => type.label === dialog.get_value("reads"));
		const dialog = new frappe.ui.Dialog({
			title: __("New Relationship of {0}", [escape(frm.doc.relation_name)]),
			fields: [
				{
					fieldname: "reads",
					fieldtype: "Select",
					label: __("Relationship"),
					options: fits.map((type) => type.label),
					reqd: 1,
				},
				{
					fieldname: "other",
					fieldtype: "Link",
					options: "Relation",
					label: __("Related Relation"),
					reqd: 1,
					get_query: () => {
						const wanted = chosen()?.kinds[1];
						const filters = { name: ["!=", frm.doc.name] };
						return {
							filters:
								wanted && wanted !== "Both"
									? { ...filters, relation_kind: wanted }
									: filters,
						};
					},
				},
				{ fieldtype: "Column Break" },
				{ fieldname: "since", fieldtype: "Date", label: __("Since") },
				{ fieldname: "until", fieldtype: "Date", label: __("Until") },
				{ fieldtype: "Section Break" },
				{ fieldname: "notes", fieldtype: "Small Text", label: __("Notes") },
			],
			primary_action_label: __("Save"),
			primary_action: async ({ other, since, until, notes }) => {
				const type = chosen();
				const ends = type.outgoing ? [frm.doc.name, other] : [other, frm.doc.name];
				await frappe.db.insert({
					doctype: "Relation Link",
					relation: ends[0],
					link_type: type.value,
					related_relation: ends[1],
					since,
					until,
					notes,
				});
				dialog.hide();
				show(frm);
			},
		});
		dialog.show();
	}

	async function show(frm) {
		const name = frm.doc.name;
		const [graph, links, group] = await Promise.all([
			call("relation_graph", { relation: name }),
			call("links", { relation: name }),
			call("company_group", { relation: name }),
		]);
		if (frm.doc.name !== name) return; // another form was opened meanwhile
		const $graph = frm
			.get_field("graph_html")
			.$wrapper.html(
				graph_html(graph) +
					links_html(links) +
					(frappe.model.can_create("Relation Link")
						? `<button type="button" class="btn btn-default btn-sm" data-action="add">${__(
								"New Relationship",
						  )}</button>`
						: ""),
			);
		$graph.find("[data-action=add]").on("click", () => add(frm));
		$graph.find(".relation-node").on("click", (event) => {
			if (event.ctrlKey || event.metaKey || event.shiftKey) return;
			event.preventDefault();
			event.stopPropagation();
			frappe.set_route("Form", "Relation", event.currentTarget.dataset.name);
		});
		const in_group = group.members.length + group.hidden > 1;
		frm.toggle_display("group_section", in_group);
		frm.get_field("group_html").$wrapper.html(in_group ? group_html(group, name) : "");
	}

	frappe.ui.form.on("Relation", {
		refresh(frm) {
			for (const fieldname of ["graph_html", "group_html"])
				frm.get_field(fieldname).$wrapper.empty();
			if (!frm.is_new()) show(frm);
		},
	});
})();
