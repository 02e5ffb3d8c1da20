// The rule of a segment as a tree, and the ways to change it: read, write, move. Knows no screen.
//
// A node is a group {kind, children}, a condition {field, operator, value} or a condition on an event
// {event, where, measure, operator, value}, with an `all` group in `where` over the fields of the event.
// Each has an `id`, so that it is found again wherever it went.
let last_id = 0;

/** What a rule may say, as the server defines it (segments/description/builder_schema.py): the depth of groups, and for each operator
 * what it compares with ("nothing", "days", "period", "two", "list" or "one") and from which value it starts. */
export class Grammar {
	constructor({ max_depth, operators }) {
		this.max_depth = max_depth;
		this.operators = operators;
	}

	takes(operator) {
		return this.operators[operator]?.takes ?? "one";
	}

	default_value(field, operator) {
		const { start } = this.operators[operator] ?? {};
		if (Array.isArray(start)) return [...start];
		if (start !== undefined && start !== null) return start;
		if (this.takes(operator) === "nothing") return undefined;
		if (field.type === "check") return true;
		return field.choices?.length ? field.choices[0].value : "";
	}

	/** Keep what was typed where the new operator can use it: `is X` becomes `is one of X`. */
	converted(value, before, field, operator) {
		const [from, to] = [this.takes(before), this.takes(operator)];
		const filled = value !== undefined && value !== "";
		if (from === to) return value;
		if (from === "one" && filled && to === "list") return [value];
		if (from === "one" && filled && to === "two") return [value, ""];
		if (["list", "two"].includes(from) && to === "one" && value?.[0]) return value[0];
		return this.default_value(field, operator);
	}
}

const with_id = (node) => Object.assign(node, { id: `n${++last_id}` });

export class Rule {
	/** @param {Grammar} grammar what the rule may say */
	constructor(grammar, root) {
		this.grammar = grammar;
		this.root = root || with_id({ kind: "all", children: [] });
	}

	/** Read a rule; null where only the JSON in the section Expert can be corrected. */
	static read(text, grammar) {
		const rule = new Rule(grammar);
		if (!text) return rule;
		try {
			const { version, ...group } = typeof text === "string" ? JSON.parse(text) : text;
			rule.root = rule.read_node(group, null);
			return rule.root.kind ? rule : null;
		} catch {
			return null;
		}
	}

	/** @param {?string} event the event whose fields a condition names; null for the relation's own */
	read_node(data, event) {
		if ("event" in data) {
			const { where, ...rest } = { measure: "count", operator: ">=", value: 1, ...data };
			const children = (where || []).map((one) => this.read_node(one, data.event));
			return with_id({ ...rest, where: with_id({ kind: "all", children }) });
		}
		if ("field" in data || "operator" in data) return with_id({ ...data });
		const [kind] = Object.keys(data);
		if (!["all", "any", "none"].includes(kind)) throw new Error(kind);
		return with_id({ kind, children: data[kind].map((one) => this.read_node(one, event)) });
	}

	data() {
		return { version: 1, ...this.write_node(this.root) };
	}

	write_node(node) {
		const all = (children) => children.map((child) => this.write_node(child));
		if (node.kind) return { [node.kind]: all(node.children) };
		const { field, event, measure, operator, value } = node;
		if (event) return { event, where: all(node.where.children), measure, operator, value };
		return this.grammar.takes(operator) === "nothing"
			? { field, operator }
			: { field, operator, value: value ?? "" };
	}

	/** All places: {node, list, index, group, event, path, depth}; `list` is the array that holds the node. */
	*places(group = this.root, path = "", depth = 1, event = null) {
		const own = path.endsWith(".where") ? path : path ? `${path}.${group.kind}` : group.kind;
		for (const [index, node] of group.children.entries()) {
			const at = `${own}[${index}]`;
			const place = { node, group, list: group.children, index, event, path: at };
			// what an event asks stands as deep as the event itself
			const below = path.endsWith(".where") ? depth : depth + 1;
			yield { ...place, depth: below };
			if (node.kind) yield* this.places(node, at, below, event);
			if (node.event) yield* this.places(node.where, `${at}.where`, below, node.event);
		}
	}

	place(id) {
		for (const place of this.places()) if (place.node.id === id) return place;
		return null;
	}

	/** The group with this id, also the root and the `where` of an event, with its path, depth and event. */
	group(id) {
		if (id === this.root.id) {
			return { node: this.root, path: this.root.kind, depth: 1, event: null };
		}
		for (const place of this.places()) {
			const { node, path, depth, event } = place;
			if (node.kind && node.id === id) {
				return { node, path: `${path}.${node.kind}`, depth, event };
			}
			if (node.event && node.where.id === id) {
				return {
					node: node.where,
					path: `${path}.where`,
					depth: depth - 1,
					event: node.event,
				};
			}
		}
		return null;
	}

	/** How many levels of groups a node holds, itself included; what an event asks counts from the event. */
	static height(node) {
		if (node.event) return Math.max(0, ...node.where.children.map(Rule.height));
		return node.kind ? 1 + Math.max(0, ...node.children.map(Rule.height)) : 0;
	}

	/** May the node stand in this group? Never deeper than the limit, in itself, or with another event. */
	may_stand(node, group_id) {
		const group = this.group(group_id);
		const place = this.place(node.id);
		if (!group || (place && place.event !== group.event)) return false;
		if (node.id === group_id || this.holds(node, group_id)) return false;
		return group.depth + Rule.height(node) <= this.grammar.max_depth;
	}

	holds(node, id) {
		const children = node.kind ? node.children : node.event ? [node.where] : [];
		return children.some((child) => child.id === id || this.holds(child, id));
	}

	add(group_id, node) {
		this.group(group_id).node.children.push(node);
		return node;
	}

	/** Moves a node before the child `index` of a group; false where it must not stand there. */
	move(id, group_id, index) {
		const from = this.place(id);
		if (!from || !this.may_stand(from.node, group_id)) return false;
		const to = this.group(group_id).node;
		from.list.splice(from.index, 1);
		to.children.splice(index, 0, from.node);
		if (from.group !== to) this.drop_if_empty(from.group);
		return true;
	}

	/** One step up or down in reading order, into and out of groups; false at the ends. */
	step(id, direction) {
		const from = this.place(id);
		const next = from.list[from.index + direction];
		if (next?.kind && this.may_stand(from.node, next.id)) {
			return this.move(id, next.id, direction < 0 ? next.children.length : 0);
		}
		if (next) return this.move(id, from.group.id, from.index + direction);
		return this.move_out(id, direction < 0 ? 0 : 1);
	}

	/** Out of its group, before or behind it. A group of its own does not leave the rule. */
	move_out(id, behind = 1) {
		const from = this.place(id);
		const outer = this.place(from.group.id);
		return Boolean(outer) && this.move(id, outer.group.id, outer.index + behind);
	}

	/** A group round the node. */
	enclose(id) {
		const { node, list, index, group } = this.place(id);
		const kind = group.kind === "any" ? "all" : "any";
		if (this.group(group.id).depth + 1 + Rule.height(node) > this.grammar.max_depth) {
			return false;
		}
		list[index] = with_id({ kind, children: [node] });
		return true;
	}

	/** The whole rule and this node too; false where it is as deep as may be. */
	surround(node) {
		if (Rule.height(this.root) >= this.grammar.max_depth) return false;
		this.root = with_id({ kind: "all", children: [this.root, node] });
		return true;
	}

	/** The children of a group take its place. */
	dissolve(id) {
		const { node, list, index } = this.place(id);
		list.splice(index, 1, ...node.children);
	}

	duplicate(id) {
		const { node, list, index, event } = this.place(id);
		const copy = this.read_node(JSON.parse(JSON.stringify(this.write_node(node))), event);
		list.splice(index + 1, 0, copy);
		return copy;
	}

	/** Takes a node away; returns the id of the node or group where one goes on. */
	remove(id) {
		const { list, index, group } = this.place(id);
		list.splice(index, 1);
		const neighbour = list[index] || list[index - 1];
		return neighbour ? neighbour.id : this.drop_if_empty(group);
	}

	/** Remove a group without conditions: its meaning would be a guess. */
	drop_if_empty(group) {
		const place = this.place(group.id);
		if (group.children.length || !place) return group.id;
		place.list.splice(place.index, 1);
		return this.drop_if_empty(place.group);
	}

	// New nodes

	new_condition() {
		return with_id({ field: "", operator: "=", value: "" });
	}

	new_group(kind, event = null) {
		return with_id({ kind, children: [this.new_condition(event)] });
	}

	/** Makes a condition ask for another field or event, and keeps its operator where that knows it. */
	choose(node, chosen) {
		const { id } = node;
		if (chosen.type === "event") {
			Object.keys(node).forEach((key) => delete node[key]);
			const where = with_id({ kind: "all", children: [] });
			Object.assign(node, { id, event: chosen.key, where });
			Object.assign(node, { measure: "count", operator: ">=", value: 1 });
			return;
		}
		const known = chosen.operators.some((one) => one.value === node.operator);
		const operator = known && !node.event ? node.operator : chosen.operators[0].value;
		Object.keys(node).forEach((key) => delete node[key]);
		Object.assign(node, { id, field: chosen.key, operator });
		node.value = this.grammar.default_value(chosen, operator);
	}
}
