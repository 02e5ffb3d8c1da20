// The tree of a rule: read, write, move, nest.
import assert from "node:assert/strict";
import { test } from "node:test";

import { Grammar, Rule } from "../../public/js/segment/rule.js";

const grammar = new Grammar({
	max_depth: 3,
	operators: {
		"=": { takes: "one" },
		in: { takes: "list", start: [] },
		between: { takes: "two", start: ["", ""] },
		"is empty": { takes: "nothing" },
		"last days": { takes: "days", start: 90 },
		"this period": { takes: "period", start: "quarter" },
	},
});
const city = { field: "city", operator: "=", value: "Kiel" };
const stage = { field: "stage", operator: "=", value: "Lead" };
const bought = { event: "bought", where: [], measure: "count", operator: ">=", value: 1 };
const rule_of = (...children) => Rule.read({ version: 1, all: children }, grammar);
const ids = (rule) => rule.root.children.map((child) => child.id);

test("a rule that is read and written is the same", () => {
	const data = {
		version: 1,
		all: [city, { any: [stage, { none: [city] }] }, { ...bought, where: [city] }],
	};
	assert.deepEqual(Rule.read(JSON.stringify(data), grammar).data(), data);
});

test("no text is the rule without a condition", () => {
	assert.deepEqual(Rule.read("", grammar).data(), { version: 1, all: [] });
});

for (const text of [
	"{",
	'{"version": 1, "some": []}',
	'{"version": 1, "all": [{"odd": []}]}',
	"[]",
]) {
	test(`a text that is no rule is not read: ${text}`, () => {
		assert.equal(Rule.read(text, grammar), null);
	});
}

test("a condition without a value is written without one", () => {
	const rule = rule_of({ field: "city", operator: "is empty", value: "left over" });
	assert.deepEqual(rule.data().all, [{ field: "city", operator: "is empty" }]);
});

test("a condition steps into the group below it and out again at its end", () => {
	const rule = rule_of(city, { any: [stage] });
	const [id] = ids(rule);
	assert.ok(rule.step(id, 1));
	assert.deepEqual(rule.data().all, [{ any: [city, stage] }]);
	assert.ok(rule.step(id, 1));
	assert.ok(rule.step(id, 1));
	assert.deepEqual(rule.data().all, [{ any: [stage] }, city]);
});

test("a condition at the end of the rule stays where it is", () => {
	const rule = rule_of(city, stage);
	assert.equal(rule.step(ids(rule)[1], 1), false);
	assert.equal(rule.step(ids(rule)[0], -1), false);
	assert.deepEqual(rule.data().all, [city, stage]);
});

test("a group that loses its last condition goes", () => {
	const rule = rule_of({ any: [{ all: [city] }] }, stage);
	const inner = rule.root.children[0].children[0].children[0];
	assert.equal(rule.remove(inner.id), rule.root.id);
	assert.deepEqual(rule.data().all, [stage]);
});

test("groups nest no deeper than the server allows", () => {
	const rule = rule_of(city);
	const [id] = ids(rule);
	assert.ok(rule.enclose(id));
	assert.ok(rule.enclose(id));
	assert.equal(rule.enclose(id), false);
	assert.deepEqual(rule.data().all, [{ any: [{ all: [city] }] }]);
	assert.equal(rule.surround(rule.new_condition()), false);
});

test("a group moves neither into itself nor deeper than the limit", () => {
	const rule = rule_of({ any: [{ all: [city] }] }, { any: [stage] });
	const [first, second] = ids(rule);
	const inner = rule.root.children[0].children[0];
	assert.equal(rule.move(first, inner.id, 0), false);
	assert.equal(rule.move(first, second, 0), false);
	assert.ok(rule.move(inner.id, second, 1));
	assert.deepEqual(rule.data().all, [{ any: [stage, { all: [city] }] }]);
});

test("a condition on a field of an event stays with its event", () => {
	const rule = rule_of({ ...bought, where: [city] }, { any: [stage] });
	const [event, group] = rule.root.children;
	assert.equal(rule.move(event.where.children[0].id, group.id, 0), false);
	assert.equal(rule.move(group.children[0].id, event.where.id, 0), false);
});

test("a copy stands behind the original and has an id of its own", () => {
	const rule = rule_of({ any: [city] }, stage);
	const copy = rule.duplicate(ids(rule)[0]);
	assert.deepEqual(rule.data().all, [{ any: [city] }, { any: [city] }, stage]);
	assert.equal(new Set(ids(rule)).size, 3);
	assert.equal(rule.root.children[1].id, copy.id);
});

test("another field keeps the operator that it knows", () => {
	const rule = rule_of({ field: "city", operator: "in", value: ["Kiel"] });
	const [node] = rule.root.children;
	rule.choose(node, {
		key: "stage",
		type: "option",
		operators: [{ value: "=" }, { value: "in" }],
	});
	assert.deepEqual(rule.data().all, [{ field: "stage", operator: "in", value: [] }]);
	rule.choose(node, { key: "is_group", type: "check", operators: [{ value: "=" }] });
	assert.deepEqual(rule.data().all, [{ field: "is_group", operator: "=", value: true }]);
});

for (const [name, value, before, after, expected] of [
	["one value becomes the first of a list", "Kiel", "=", "in", ["Kiel"]],
	["one value becomes the start of a range", 3, "=", "between", [3, ""]],
	["the first of a list becomes the value", ["Kiel", "Bonn"], "in", "=", "Kiel"],
	["an empty value becomes an empty list", "", "=", "in", []],
	["days start from the server's number", "Kiel", "=", "last days", 90],
	["a period starts from the server's period", "Kiel", "=", "this period", "quarter"],
	["what compares with nothing has no value", "Kiel", "=", "is empty", undefined],
]) {
	test(`another operator: ${name}`, () => {
		assert.deepEqual(grammar.converted(value, before, { type: "text" }, after), expected);
	});
}

test("two conditions never share the list that they start from", () => {
	const field = { type: "option" };
	grammar.default_value(field, "in").push("Kiel");
	assert.deepEqual(grammar.default_value(field, "in"), []);
});
