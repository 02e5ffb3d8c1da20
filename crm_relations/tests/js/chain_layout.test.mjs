// Where the boxes of a process chain stand, and where the arrow keys lead.
import assert from "node:assert/strict";
import { test } from "node:test";

import { extent, next_box, places, SIZE } from "../../public/js/chain/layout.js";

const box = (key, column, entries) => ({ key, column, entries });
const chain = {
	boxes: [
		box("campaign", 0),
		box("order", 1),
		box("invoice", 2),
		box("other", 2),
		box("ledger", 3),
	],
	arrows: [
		["campaign", "order"],
		["order", "other"],
		["order", "invoice"],
		["invoice", "ledger"],
	],
};
const at = places(chain.boxes);
const pressed = (key, ...keys) => keys.reduce((here, one) => next_box(chain, at, here, one), key);

test("boxes of a column stand below each other, without touching", () => {
	assert.equal(at.invoice.x, at.other.x);
	assert.equal(at.other.y, at.invoice.y + at.invoice.height + SIZE.gap_y);
});

test("a box of the ledger grows with its accounts", () => {
	const height = (count) => places([box("a", 0, Array(count).fill({}))]).a.height;
	assert.equal(height(3), SIZE.height);
	assert.equal(height(5), SIZE.height + 2 * SIZE.account);
});

test("the picture holds all boxes", () => {
	const { width, height } = extent(at);
	for (const place of Object.values(at)) {
		assert.ok(place.x + place.width < width && place.y + place.height < height);
	}
});

test("left and right follow the arrows to the nearest box", () => {
	assert.equal(pressed("campaign", "ArrowRight", "ArrowRight"), "invoice");
	assert.equal(pressed("ledger", "ArrowLeft", "ArrowLeft"), "order");
});

test("up and down stay in the column, Home and End go to the ends of the chain", () => {
	assert.equal(pressed("invoice", "ArrowDown"), "other");
	assert.equal(pressed("other", "ArrowUp"), "invoice");
	assert.equal(pressed("order", "End"), "ledger");
	assert.equal(pressed("order", "Home"), "campaign");
});

test("at the end of the chain, and for another key, the focus stays", () => {
	assert.equal(pressed("ledger", "ArrowRight"), undefined);
	assert.equal(pressed("other", "ArrowDown"), undefined);
	assert.equal(pressed("other", "x"), undefined);
});
