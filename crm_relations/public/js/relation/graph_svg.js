// The graph of relationships as plain SVG: nodes are links that the Tab key reaches.

import { color_of, RelationKind } from "../lib/enums.js";
import { html } from "../lib/html.js";
import { form_url } from "../lib/links.js";
import { places, SIZE } from "./graph_layout.js";

const cut = (text, length) => (text.length > length ? `${text.slice(0, length - 1)}…` : text);

/** Return what a link says, read from one of its nodes. */
function tie_text(edge, node, graph) {
	const outgoing = edge.relation === node.name;
	const name = outgoing ? edge.related_relation : edge.relation;
	const other = graph.nodes.find((one) => one.name === name);
	return `${outgoing ? edge.reads : edge.reads_back} ${other.relation_name}`;
}

function shape(node, [x, y]) {
	const color = color_of("Stage", node.stage);
	const style = `fill: var(--bg-${color}); stroke: var(--text-on-${color})`;
	return node.relation_kind === RelationKind.PERSON
		? html`<circle cx="${x}" cy="${y}" r="13" style="${style}" />`
		: html`<rect x="${x - 15}" y="${y - 12}" width="30" height="24" rx="5" style="${style}" />`;
}

function node_svg(node, [x, y], graph) {
	const ties = graph.edges
		.filter((edge) => [edge.relation, edge.related_relation].includes(node.name))
		.map((edge) => tie_text(edge, node, graph));
	const about = [node.relation_name, node.stage && __(node.stage), ...ties]
		.filter(Boolean)
		.join(", ");
	const is_middle = !node.hop;
	return html`<a
		class="relation-node"
		data-name="${node.name}"
		tabindex="0"
		href="${form_url("Relation", node.name)}"
		aria-label="${about}"
		${is_middle && html`aria-current="true"`}
	>
		<title>${about}</title>${shape(node, [x, y])}
		<text
			x="${x}"
			y="${y + 27}"
			text-anchor="middle"
			style="fill: var(--text-color);
				font-size: 12px; font-weight: ${is_middle ? 600 : 400}"
			>${cut(node.relation_name, 24)}</text
		>
	</a>`;
}

function edge_svg(edge, at) {
	const [[x1, y1], [x2, y2]] = [at[edge.relation], at[edge.related_relation]];
	const rise = Math.abs(y2 - y1) > 8 ? 16 : 4; // a slanting edge runs into the names below its nodes
	return html`<line
			x1="${x1}"
			y1="${y1}"
			x2="${x2}"
			y2="${y2}"
			style="stroke: var(--gray-400)"
			marker-end="url(#relation-arrow)"
		/>
		<text
			x="${(x1 + x2) / 2}"
			y="${(y1 + y2) / 2 - rise}"
			text-anchor="middle"
			style="fill: var(--text-muted); font-size: 10px; paint-order: stroke;
			stroke: var(--control-bg); stroke-width: 3px"
			>${cut(edge.reads, 22)}</text
		>`;
}

/** Return the graph, or nothing for a relation without relationships. */
export function graph_html(graph) {
	if (graph.nodes.length < 2) return "";
	const at = places(graph);
	const more = __("Not all are shown here.");
	return html`<svg
			viewBox="0 0 ${SIZE.width} ${SIZE.height}"
			role="group"
			aria-label="${__("Relationships")}"
			style="width: 100%; max-height: 60vh; background: var(--control-bg); border-radius: 8px"
		>
			<defs>
				<marker
					id="relation-arrow"
					viewBox="0 0 8 8"
					refX="24"
					refY="4"
					markerWidth="7"
					markerHeight="7"
					orient="auto"
				>
					<path d="M0 0 8 4 0 8z" style="fill: var(--gray-500)" />
				</marker>
			</defs>
			<g>${graph.edges.map((edge) => edge_svg(edge, at))}</g>
			${graph.nodes.map((node) => node_svg(node, at[node.name], graph))}
		</svg>
		${graph.more && html`<p class="text-muted small mt-1">${more}</p>`}`;
}
