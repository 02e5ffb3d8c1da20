// Where the nodes of the graph of relationships stand. Knows no screen.

export const SIZE = { width: 960, height: 500 };
const RINGS = [
	[0, 0],
	[230, 125],
	[400, 215],
];
/** Return name → [x, y]: the relation in the middle, then two rings. A relation two links away stands outside the one
 * that leads to it. */
export function places(graph) {
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
	const outside = (node) => others.filter((o) => o.hop === 2 && came_by[o.name] === node.name);
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
