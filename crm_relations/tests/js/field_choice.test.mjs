// The search for a field of a rule.
import assert from "node:assert/strict";
import { test } from "node:test";

import { by_group, matching } from "../../public/js/segment/field_choice.js";

const fields = [
	{ label: "Straße", group: "Address" },
	{ label: "Umsatz", group: "Zahlen" },
	{ label: "Ort", group: "Address" },
	{ label: "Kürzel", group: "Umsatz" },
];
const labels = (found) => found.map((field) => field.label);

test("fields of a group stand together, in the order of the groups", () => {
	assert.deepEqual(labels(by_group(fields)), ["Straße", "Ort", "Umsatz", "Kürzel"]);
});

test("accents, case and ß make no difference", () => {
	assert.deepEqual(labels(matching(fields, "STRASSE")), ["Straße"]);
	assert.deepEqual(labels(matching(fields, "kurz")), ["Kürzel"]);
});

test("each word may stand in the label or in the group", () => {
	assert.deepEqual(labels(matching(fields, "addr ort")), ["Ort"]);
});

test("labels that begin with the word come first", () => {
	assert.deepEqual(labels(matching([...fields].reverse(), "umsatz")), ["Umsatz", "Kürzel"]);
});

test("nothing typed shows all fields", () => {
	assert.equal(matching(fields, "  ").length, fields.length);
});
