// Where the nodes of the graph of relationships stand.
import assert from "node:assert/strict";
import { test } from "node:test";

import { places, SIZE } from "../../public/js/relation/graph_layout.js";

const node = (name, hop) => ({ name, hop });
const edge = (relation, related_relation) => ({ relation, related_relation });
const middle = [SIZE.width / 2, SIZE.height / 2];
const distance = ([x1, y1], [x2, y2]) => Math.hypot(x1 - x2, y1 - y2);

test("the relation stands in the middle", () => {
	assert.deepEqual(places({ nodes: [node("a", 0)], edges: [] }), { a: middle });
});

test("each node has a place of its own inside the picture", () => {
	const nodes = [node("a", 0), ...[..."bcdefg"].map((name) => node(name, 1))];
	const found = places({ nodes, edges: nodes.slice(1).map(({ name }) => edge("a", name)) });
	assert.equal(new Set(Object.values(found).map(String)).size, nodes.length);
	for (const [x, y] of Object.values(found)) {
		assert.ok(x > 0 && x < SIZE.width && y > 0 && y < SIZE.height);
	}
});

test("a relation two links away stands outside the one that leads to it", () => {
	const nodes = [node("a", 0), node("b", 1), node("c", 1), node("d", 2)];
	const found = places({ nodes, edges: [edge("a", "b"), edge("c", "a"), edge("d", "c")] });
	assert.ok(distance(found.d, middle) > distance(found.c, middle));
	assert.ok(distance(found.d, found.c) < distance(found.d, found.b));
});
