// The rule of a segment as nested groups of conditions, built and rearranged by mouse or by keyboard.
//
// The builder keeps its tree in `rule` (rule.js). It redraws everything when the structure changes, and returns the
// focus to the node that had it; a changed value redraws nothing.

import { FieldChoice } from "./field_choice.js";
import { Grammar, Rule } from "./rule.js";
import { choice, remove_button, ValueEditor } from "./value_editor.js";

export class RuleBuilder {
	/**
	 * @param {object[]} fields the catalogue
	 * @param {object} offered the grammar of rules as the server offers it
	 * @param {function} changed gets the text of the rule after each change
	 * @param {function} show gets the rule that is to be counted, and a function for the path of its fault
	 */
	constructor({ parent, fields, offered, text, read_only, changed, show }) {
		Object.assign(this, { parent, fields, offered, read_only, changed, show });
		this.grammar = new Grammar(offered);
		this.field = Object.fromEntries(fields.map((field) => [field.key, field]));
		this.written = text;
		this.rule = Rule.read(text, this.grammar);
		this.parent.off(".segment").on("keydown.segment", (event) => this.key_down(event));
		this.render();
		this.update();
	}

	data() {
		return this.rule?.data();
	}

	/** Report a change; `structure` redraws the groups and puts the focus on a node. */
	touched({ structure = false, focus = null, on = "handle" } = {}) {
		// the desk shows the field of the rule as it is: no tag in it
		this.written = JSON.stringify(this.data()).replace(/<(?=[A-Za-z/!?])/g, "\\u003c");
		this.changed(this.written);
		if (structure) {
			this.render();
			if (focus) this.focus(focus, on);
		}
		this.update();
	}

	update() {
		if (this.rule) this.show(this.data(), (path, text) => this.mark(path, text));
	}

	/** Frames the condition or group where the fault is, and says there what is wrong. */
	mark(path, text) {
		this.parent.find(".rs-fault").removeClass("rs-fault").removeAttr("aria-invalid");
		this.parent.find(".rs-fault-text").remove();
		if (!path) return;
		// the innermost of those that the path leads through
		const places = this.parent
			.find("[data-path]")
			.toArray()
			.filter(({ dataset }) => path.startsWith(dataset.path))
			.filter(({ dataset }) => /^($|[.[])/.test(path.slice(dataset.path.length)))
			.sort((a, b) => b.dataset.path.length - a.dataset.path.length);
		if (!places.length) return;
		$(places[0])
			.addClass("rs-fault")
			.attr("aria-invalid", "true")
			.append($(`<div class="rs-fault-text"></div>`).text(text || ""));
	}

	/** Puts the focus on a part of a node; `on`: handle, field, kind. */
	focus(id, on = "handle") {
		const box = this.parent.find(`[data-id="${id}"]`).first();
		const target = box.find(`[data-focus="${on}"]`).first();
		(target.length ? target : box.find("[data-focus]").first()).trigger("focus");
	}

	/** Tell users of a screen reader where a node went. */
	announce(id) {
		const place = this.rule.place(id);
		if (!place) return;
		const text = __("Condition {0} of {1}, level {2}: {3}", [
			place.index + 1,
			place.list.length,
			place.depth,
			this.offered.groups[place.group.kind],
		]);
		this.parent.find(".rs-live").text(text);
	}

	/** From outside: all that is built so far, and this condition too. */
	narrow({ field, operator, value }) {
		if (!this.rule || this.read_only) return;
		const { rule } = this;
		const node = Object.assign(rule.new_condition(), { field, operator, value });
		if (rule.root.kind === "all") rule.root.children.push(node);
		else if (!rule.surround(node)) {
			frappe.show_alert(__("Groups nest at most {0} deep.", [cint(this.grammar.max_depth)]));
			return;
		}
		this.touched({ structure: true, focus: node.id });
		this.announce(node.id);
	}

	// Groups

	render() {
		this.sortables?.forEach((one) => one.destroy());
		this.sortables = [];
		this.parent.empty();
		if (!this.rule) {
			this.parent.append(
				$(`<p class="rs-problem"></p>`).text(
					__("The rule cannot be shown here. Correct its JSON in the section Expert."),
				),
			);
			return;
		}
		if (this.read_only) return; // the preview says the rule in words
		this.parent.append(this.group(this.rule.root, { path: "", depth: 1, event: null }));
		this.parent.append(
			`<p class="rs-hint text-muted small">${__(
				"Move conditions with the mouse by their handle, or with Alt and the arrow keys.",
			)}</p><div class="rs-live sr-only" aria-live="polite"></div>`,
		);
	}

	group(group, { path, depth, event }) {
		const own_path = path ? `${path}.${group.kind}` : group.kind;
		const box = $(`<div class="rs-group" role="group"></div>`)
			.addClass(`rs-${group.kind}`)
			.attr({
				"data-path": own_path,
				"data-id": group.id,
				"aria-label": this.offered.groups[group.kind],
			});
		const head = $(`<div class="rs-head"></div>`).appendTo(box);
		if (path) head.append(this.handle(group));
		choice(this.offered.groups, group.kind, __("How the conditions of this group combine"))
			.addClass("rs-kind")
			.attr("data-focus", "kind")
			.appendTo(head)
			.on("change", (change) => {
				group.kind = change.target.value;
				this.touched({ structure: true, focus: group.id, on: "kind" });
			});
		if (path) head.append(this.menu(group), this.removal(group, __("Remove this group")));
		box.append(this.children(group, own_path, depth, event), this.foot(group, depth, event));
		return box;
	}

	/** The nodes of a group, or of what an event asks for. */
	children(group, path, depth, event) {
		const list = $(`<div class="rs-children"></div>`).attr("data-group", group.id);
		group.children.forEach((child, i) => {
			const at = { path: `${path}[${i}]`, depth: depth + 1, event };
			const draw = child.kind ? "group" : child.event ? "event" : "condition";
			list.append(this[draw](child, at));
		});
		if (!group.children.length && group === this.rule.root) {
			list.append(
				$(`<p class="text-muted rs-everyone"></p>`).text(
					__("No condition: every relation matches."),
				),
			);
		}
		this.make_sortable(list[0], event);
		return list;
	}

	foot(group, depth, event) {
		const foot = $(`<div class="rs-foot"></div>`);
		const add = (label, make, icon = "+") =>
			$(`<button type="button" class="btn btn-xs btn-default"></button>`)
				.text(`${icon} ${label}`)
				.appendTo(foot)
				.on("click", () => {
					const node = this.rule.add(group.id, make());
					const inner = node.kind ? node.children[0] : node;
					const on = inner.field ? "value" : "field";
					this.touched({ structure: true, focus: inner.id, on });
					if (on === "field") $(document.activeElement).trigger("click"); // shows what there is
				});
		const date = event && this.field[event].fields.find((one) => one.type === "date");
		if (date && !group.children.some((child) => child.field === date.key)) {
			add(__("Period"), () => {
				const node = this.rule.new_condition();
				this.rule.choose(node, date);
				return Object.assign(node, { operator: "last days", value: 90 });
			}).addClass("rs-add-period");
		}
		add(__("Condition"), () => this.rule.new_condition()).addClass("rs-add");
		if (depth < this.grammar.max_depth) {
			add(__("Group"), () =>
				this.rule.new_group(group.kind === "any" ? "all" : "any"),
			).addClass("rs-add-group");
		}
		return foot;
	}

	// Moving

	make_sortable(list, event) {
		if (!window.Sortable) return; // the menu and the keyboard do the same
		const { rule } = this;
		const id_of = (element) => element.dataset.id;
		this.sortables.push(
			window.Sortable.create(list, {
				group: `segment-${event || "relation"}`,
				draggable: ">[data-id]",
				handle: ".rs-handle",
				animation: 120,
				forceFallback: true, // the same by mouse, pen and finger
				fallbackTolerance: 4,
				swapThreshold: 0.65,
				emptyInsertThreshold: 12,
				ghostClass: "rs-ghost",
				onMove: ({ dragged, to }) =>
					rule.may_stand(rule.place(id_of(dragged)).node, to.dataset.group),
				onEnd: ({ item, to, newDraggableIndex }) => {
					const id = id_of(item);
					rule.move(id, to.dataset.group, newDraggableIndex);
					this.touched({ structure: true, focus: id });
					this.announce(id);
				},
			}),
		);
	}

	handle(node) {
		const label = __("Move: drag, or press Alt and the arrow keys");
		return $(
			`<button type="button" class="btn btn-xs rs-handle" data-focus="handle">⠿</button>`,
		).attr({ "aria-label": label, title: label, "data-node": node.id });
	}

	/** Alt and the arrow keys move the node that holds the focus. */
	key_down(event) {
		if (!event.altKey || event.ctrlKey || event.metaKey) return;
		const id = $(event.target).closest("[data-id]").data("id");
		if (!id || id === this.rule.root.id || event.target.tagName === "SELECT") return;
		const on = event.target.dataset.focus || "handle";
		const acts = {
			ArrowUp: () => this.rule.step(id, -1),
			ArrowDown: () => this.rule.step(id, 1),
			ArrowLeft: () => this.rule.move_out(id),
			ArrowRight: () => this.rule.enclose(id),
		};
		const act = acts[event.key];
		if (!act) return;
		event.preventDefault();
		if (act()) {
			this.touched({ structure: true, focus: id, on });
			this.announce(id);
		}
	}

	/** The same by menu, without mouse and shortcuts. */
	menu(node) {
		const label = __("More about this condition");
		const box = $(`<div class="dropdown rs-menu"></div>`);
		$(
			`<button type="button" class="btn btn-xs" data-toggle="dropdown" aria-haspopup="true"
				aria-expanded="false">⋯</button>`,
		)
			.attr({ "aria-label": label, title: label })
			.appendTo(box);
		const list = $(
			`<div class="dropdown-menu dropdown-menu-right" role="menu"></div>`,
		).appendTo(box);
		const place = this.rule.place(node.id);
		const { id } = node;
		const moved = () => id;
		const item = (text, shortcut, act) =>
			$(`<button type="button" class="dropdown-item" role="menuitem"></button>`)
				.append($("<span>").text(text), $(`<kbd class="rs-key"></kbd>`).text(shortcut))
				.appendTo(list)
				.on("click", () => {
					const focus = act();
					if (!focus) return;
					this.touched({ structure: true, focus });
					this.announce(focus);
				});
		item(__("Duplicate"), "", () => this.rule.duplicate(id).id);
		item(__("Move up"), "Alt ↑", () => this.rule.step(id, -1) && moved());
		item(__("Move down"), "Alt ↓", () => this.rule.step(id, 1) && moved());
		if (this.rule.place(place.group.id)) {
			item(__("Move out of the group"), "Alt ←", () => this.rule.move_out(id) && moved());
		}
		item(__("Move into a New Group"), "Alt →", () => {
			if (this.rule.enclose(id)) return moved();
			frappe.show_alert(__("Groups nest at most {0} deep.", [cint(this.grammar.max_depth)]));
			return null;
		});
		if (node.kind) {
			item(__("Dissolve the group"), "", () => {
				this.rule.dissolve(id);
				return node.children[0].id;
			});
		}
		return box;
	}

	removal(node, label) {
		return remove_button(label, () => {
			this.touched({ structure: true, focus: this.rule.remove(node.id) });
		});
	}

	// Conditions

	condition(condition, { path, event }) {
		const fields = event ? this.field[event].fields : this.fields;
		const row = this.row(condition, path, fields, "rs-condition");
		const field = fields.find((one) => one.key === condition.field);
		if (field) this.comparison(condition, field, row.find(".rs-comparison"));
		return row;
	}

	row(node, path, fields, css) {
		const box = $(`<div role="group"></div>`)
			.addClass(css)
			.attr({ "data-path": path, "data-id": node.id });
		const row = $(`<div class="rs-row"></div>`).appendTo(box);
		const chooser = new FieldChoice({
			fields,
			value: node.event || node.field,
			label: __("Field"),
			chosen: (chosen) => {
				this.rule.choose(node, chosen);
				this.touched({ structure: true, focus: node.id, on: "operator" });
			},
		});
		chooser.$input.attr("data-focus", "field");
		row.append(
			this.handle(node),
			chooser.$wrapper,
			`<div class="rs-comparison"></div>`,
			this.menu(node),
			this.removal(node, __("Remove this condition")),
		);
		return box;
	}

	/** Operator and value of a condition. */
	comparison(condition, field, parent) {
		const { grammar } = this;
		const labels = Object.fromEntries(field.operators.map((one) => [one.value, one.label]));
		const operators = choice(labels, condition.operator, __("Comparison"))
			.addClass("rs-operator")
			.attr("data-focus", "operator");
		const $value = $(`<div class="rs-value"></div>`);
		const show_value = () => {
			new ValueEditor({
				parent: $value.empty(),
				field,
				condition,
				grammar,
				periods: this.offered.periods,
				changed: () => this.touched(),
			});
			$value.find("input, select").first().attr("data-focus", "value");
		};
		operators.on("change", () => {
			const before = condition.operator;
			condition.operator = operators.val();
			if (grammar.takes(condition.operator) !== grammar.takes(before)) {
				const { value, operator } = condition;
				condition.value = grammar.converted(value, before, field, operator);
				show_value();
			}
			this.touched();
		});
		parent.empty().append(operators, $value);
		show_value();
	}

	// Events: how often or how much, and which of them count

	event(node, { path, depth }) {
		const declared = this.field[node.event];
		const box = this.row(node, path, this.fields, "rs-condition rs-event");
		if (!declared) return box;
		this.measure(node, declared, box.find(".rs-comparison"));
		const where = $(`<div class="rs-where" role="group"></div>`)
			.attr({ "aria-label": __("Events to Count"), "data-path": `${path}.where` })
			.appendTo(box);
		const count = node.where.children.length;
		$(`<div class="rs-where-head text-muted"></div>`)
			.text(count ? __("of which all of these apply:") : __("at any time"))
			.appendTo(where);
		where.append(
			this.children(node.where, `${path}.where`, depth - 1, node.event),
			this.foot(node.where, depth - 1, node.event),
		);
		return box;
	}

	/** "At least once" and "never" are one choice; the rest names a measure, a comparison and a number. */
	measure(node, event, parent) {
		const labels = { once: __("at least once"), never: __("never") };
		event.measures.forEach((one) => (labels[`measure ${one.value}`] = `${one.label} …`));
		const plain = (operator, value) =>
			node.measure === "count" && node.operator === operator && node.value === value;
		const simple = plain(">=", 1) ? "once" : plain("=", 0) ? "never" : null;
		const kind = this.spelled === node.id || !simple ? `measure ${node.measure}` : simple;
		const kinds = choice(labels, kind, __("How often or how much"))
			.addClass("rs-measure")
			.attr("data-focus", "operator");
		kinds.on("change", () => {
			const chosen = kinds.val();
			this.spelled = chosen.startsWith("measure ") ? node.id : null;
			if (chosen === "once") {
				Object.assign(node, { measure: "count", operator: ">=", value: 1 });
			}
			if (chosen === "never") {
				Object.assign(node, { measure: "count", operator: "=", value: 0 });
			}
			if (this.spelled) {
				const measure = chosen.slice("measure ".length);
				const value = measure === "count" ? 2 : "";
				Object.assign(node, { measure, operator: ">=", value });
			}
			this.measure(node, event, parent);
			this.touched();
			parent.find(".rs-measure").trigger("focus");
		});
		parent.empty().append(kinds);
		if (!kind.startsWith("measure ")) return;
		const declared = event.measures.find((one) => one.value === node.measure) || {};
		const rest = $(`<div class="rs-comparison rs-amount"></div>`).appendTo(parent);
		const field = { type: declared.type || "integer", operators: event.operators };
		this.comparison(node, field, rest);
		rest.find(".rs-operator").removeAttr("data-focus");
	}
}
