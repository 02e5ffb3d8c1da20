// The form of a segment: a builder for the rule, what it finds while one types, and its members.

frappe.ui.form.on("Relation Segment", {
	refresh(frm) {
		frm.trigger("show_buttons");
		frm.trigger("show_rule");
		frm.set_query("suppressed_by", "suppressions", () => ({
			filters: { name: ["!=", frm.doc.name] },
		}));
	},

	kind(frm) {
		frm.trigger("show_rule");
	},

	validate(frm) {
		// a new segment without a condition means every relation, as the builder shows it
		if (frm.segment_builder && !frm.doc.rule)
			frm.doc.rule = JSON.stringify(frm.segment_builder.rule());
		const problem = frm.segment_builder?.preview.problem;
		if (problem) frappe.throw(__("{0} Correct the framed condition of the rule.", [escape(problem)]));
	},

	rule(frm) {
		if (!frm.segment_builder || frm.doc.rule === frm.segment_builder.written) return;
		frm.trigger("show_rule");
	},

	show_buttons(frm) {
		if (frm.is_new()) return;
		if (frm.perm[0] && frm.perm[0].write && frm.doc.kind !== "Manual") {
			frm.add_custom_button(refresh_label(frm), () => refresh_members(frm)).addClass(
				"btn-primary-dark",
			);
		}
		if (frappe.model.can_read("Relation Segment Member")) {
			frm.add_custom_button(__("Show members"), () =>
				frappe.set_route("List", "Relation Segment Member", {
					segment: frm.doc.name,
					left_on: ["is", "not set"],
				}),
			);
		}
		if (frappe.model.can_create("Relation Campaign")) {
			frm.add_custom_button(__("New campaign for this segment"), () =>
				frappe.new_doc("Relation Campaign", { segment: frm.doc.name }),
			);
		}
	},

	async show_rule(frm) {
		add_style();
		const preview = $(frm.fields_dict.preview_html.wrapper).empty();
		if (frm.doc.kind === "Manual") {
			frm.segment_builder = null;
			new ManualMembers(frm, preview);
			return;
		}
		const fields = await catalogue();
		if (frm.doc.kind === "Manual") return;
		frm.set_df_property(
			"sample_by",
			"options",
			fields.filter((f) => f.rankable).map((f) => ({ value: f.key, label: f.label })),
		);
		frm.segment_builder = new RuleBuilder({
			frm,
			fields,
			parent: $(frm.fields_dict.builder_html.wrapper).empty(),
			preview: new RulePreview(preview.empty()),
		});
	},
});

const API = "crm_relations.segments.api.";
const SAMPLE = 10;

let fetched_catalogue;
function catalogue() {
	fetched_catalogue ??= frappe.xcall(API + "get_catalogue", {}, "GET").catch((error) => {
		fetched_catalogue = null; // the next form asks again
		throw error;
	});
	return fetched_catalogue;
}

function refresh_label(frm) {
	if (frm.doc.kind !== "Snapshot") return __("Refresh now");
	return frm.doc.last_refreshed ? __("Take snapshot anew") : __("Take snapshot");
}

async function refresh_members(frm) {
	if (frm.is_dirty()) await frm.save();
	const retake = frm.doc.kind === "Snapshot" && frm.doc.last_refreshed;
	if (retake && !(await confirmed(__("Members that the rule no longer finds leave. Go on?")))) return;
	const result = await frappe.xcall(API + "refresh", { segment: frm.doc.name, retake: Boolean(retake) });
	frappe.show_alert({
		message: __("{0} entered, {1} left, {2} members now", [
			result.entered,
			result.left,
			result.members,
		]),
		indicator: "green",
	});
	await frm.reload_doc();
}

function confirmed(question) {
	return new Promise((resolve) =>
		frappe.confirm(
			question,
			() => resolve(true),
			() => resolve(false),
		),
	);
}

function escape(text) {
	return frappe.utils.escape_html(String(text ?? ""));
}

/** Table of relations; `action` adds a button to each row. */
function relation_table(rows, action) {
	const columns = [
		["relation_name", __("Name")],
		["relation_kind", __("Kind")],
		["stage", __("Stage")],
		["industry", __("Industry")],
		["city", __("City")],
		["responsible", __("Responsible User")],
	];
	const table = $(
		`<table class="table table-bordered rs-table"><thead><tr></tr></thead><tbody></tbody></table>`,
	);
	columns.forEach(([, label]) => table.find("tr").append($("<th scope='col'>").text(label)));
	if (action) table.find("tr").append("<th></th>");
	for (const row of rows) {
		const line = $("<tr>").appendTo(table.find("tbody"));
		for (const [key] of columns) {
			const text = ["relation_kind", "stage", "industry"].includes(key)
				? __(row[key] || "")
				: row[key];
			const cell = $("<td>").appendTo(line);
			if (key === "relation_name") {
				$("<a>")
					.attr("href", frappe.utils.get_form_link("Relation", row.name))
					.text(text)
					.appendTo(cell);
			} else {
				cell.text(text || "");
			}
		}
		if (action) $("<td class='rs-actions'>").append(action(row)).appendTo(line);
	}
	return table;
}

/** What a rule finds: count, meaning in words, some rows. Answers that come too late are dropped. */
class RulePreview {
	constructor(parent) {
		this.asked = 0;
		this.status = $(`<div class="rs-status" role="status" aria-live="polite"></div>`).appendTo(
			parent,
		);
		this.words = $(`<p class="rs-words"></p>`).appendTo(parent);
		this.sample = $("<div class='rs-sample'></div>").appendTo(parent);
		this.ask_later = frappe.utils.debounce((rule, answered) => this.ask(rule, answered), 300);
	}

	show(rule, answered) {
		this.asked += 1;
		this.status.addClass("rs-waiting");
		this.ask_later(rule, answered);
	}

	async ask(rule, answered) {
		const number = this.asked;
		let answer;
		try {
			answer = await frappe.xcall(API + "preview", {
				rule: JSON.stringify(rule),
				limit: SAMPLE,
			});
		} catch {
			answer = {
				error: __("The preview could not be made. Change the rule, or load the form anew."),
			};
		}
		if (number !== this.asked) return;
		answered(answer.path);
		this.problem = null;
		this.status.removeClass("rs-waiting");
		if (answer.error) {
			const problem = answer.path ? answer.error.slice(answer.path.length + 2) : answer.error;
			if (answer.path) this.problem = problem;
			this.status.html(`<span class="rs-problem">${escape(problem)}</span>`);
			this.words.empty();
			this.sample.empty();
			return;
		}
		const count = `<strong class="rs-count">${format_number(answer.count, null, 0)}</strong>`;
		this.status.html(
			answer.count === 1
				? __("{0} relation fits", [count])
				: __("{0} relations fit", [count]),
		);
		this.words.text(answer.words);
		this.sample.empty();
		if (!answer.sample.length) return;
		this.sample.append(relation_table(answer.sample));
		if (answer.count > answer.sample.length) {
			this.sample.append(
				$("<p class='text-muted small'>").text(
					__("The first {0} are shown.", [answer.sample.length]),
				),
			);
		}
	}
}

/** Members of a manual segment: add, remove. */
class ManualMembers {
	constructor(frm, parent) {
		this.frm = frm;
		this.parent = parent;
		if (frm.is_new()) {
			parent.html(
				`<p class="text-muted">${__("Save the segment, then add its members here.")}</p>`,
			);
			return;
		}
		this.writes = frm.perm[0] && frm.perm[0].write;
		this.load();
	}

	async load() {
		const rows = await frappe.xcall(
			API + "members",
			{ segment: this.frm.doc.name, limit: 100 },
			"GET",
		);
		this.parent.empty();
		if (this.writes) {
			$(
				`<button type="button" class="btn btn-default btn-sm rs-add">${__(
					"Add members",
				)}</button>`,
			)
				.appendTo(this.parent)
				.on("click", () => this.choose());
		}
		if (!rows.length) {
			this.parent.append(
				`<p class="text-muted rs-words">${__("Nobody is in this segment yet.")}</p>`,
			);
			return;
		}
		const remove = (row) =>
			remove_button(__("Remove {0} from the segment", [row.relation_name]), () =>
				this.change("remove_members", [row.name]),
			);
		this.parent.append(relation_table(rows, this.writes && remove));
		if (rows.length < this.frm.doc.member_count) {
			this.parent.append(
				$("<p class='text-muted small'>").text(
					__("The newest {0} are shown; the button above lists all.", [rows.length]),
				),
			);
		}
	}

	choose() {
		const dialog = new frappe.ui.form.MultiSelectDialog({
			doctype: "Relation",
			target: this.frm,
			setters: { relation_kind: null, stage: null, city: null },
			add_filters_group: 1,
			action: (names) => {
				dialog.dialog.hide();
				if (names.length) this.change("add_members", names);
			},
		});
	}

	async change(method, relations) {
		await frappe.xcall(API + method, { segment: this.frm.doc.name, relations });
		await this.frm.reload_doc();
	}
}

function remove_button(label, action) {
	return $(
		`<button type="button" class="btn btn-xs rs-remove">${frappe.utils.icon(
			"close",
			"xs",
		)}</button>`,
	)
		.attr({ "aria-label": label, title: label })
		.on("click", action);
}

/** The rule as nested groups of conditions. Keeps the rule in `tree` and writes it into the field `rule`. */
class RuleBuilder {
	constructor({ frm, fields, parent, preview }) {
		Object.assign(this, { frm, fields, parent, preview });
		this.field = Object.fromEntries(fields.map((field) => [field.key, field]));
		this.read_only = !(frm.perm[0] && frm.perm[0].write);
		this.written = frm.doc.rule;
		this.tree = this.read(frm.doc.rule);
		this.render();
		this.update();
	}

	// JSON ↔ tree

	read(text) {
		if (!text) return { kind: "all", children: [] };
		try {
			const { version, ...group } = typeof text === "string" ? JSON.parse(text) : text;
			return this.read_node(group);
		} catch {
			return null; // only the expert's text can mend this
		}
	}

	read_node(data) {
		if ("field" in data) {
			if (!this.field[data.field]) throw new Error(data.field);
			return { ...data };
		}
		const [kind] = Object.keys(data);
		return { kind, children: data[kind].map((child) => this.read_node(child)) };
	}

	write_node(node) {
		if (node.kind) return { [node.kind]: node.children.map((child) => this.write_node(child)) };
		const { field, operator, value } = node;
		return takes(operator) === "nothing"
			? { field, operator }
			: { field, operator, value: value ?? "" };
	}

	rule() {
		return { version: 1, ...this.write_node(this.tree) };
	}

	changed({ structure = false } = {}) {
		this.written = JSON.stringify(this.rule());
		this.frm.set_value("rule", this.written);
		if (structure) this.render();
		this.update();
	}

	update() {
		if (!this.tree) return;
		this.preview.show(this.rule(), (path) => this.mark(path));
	}

	/** Frames the condition or group where the fault is. */
	mark(path) {
		this.parent.find(".rs-fault").removeClass("rs-fault");
		if (!path) return;
		const place = path.replace(/\.(field|operator|value(\[\d+\])?)$/, "");
		this.parent
			.find("[data-path]")
			.filter((_, el) => el.dataset.path === place)
			.addClass("rs-fault");
	}

	// Groups

	render() {
		this.parent.empty();
		if (!this.tree) {
			this.parent.html(
				`<p class="rs-problem">${__(
					"The rule cannot be shown here. Correct its JSON in the section Expert.",
				)}</p>`,
			);
			return;
		}
		this.frm.toggle_display("rule_section", !this.read_only);
		if (this.read_only) return; // the preview says the rule in words
		this.parent.append(this.group(this.tree, "", 1));
	}

	group(group, path, depth, remove) {
		const labels = {
			all: __("All of these apply"),
			any: __("At least one of these applies"),
			none: __("None of these applies"),
		};
		const own_path = path ? `${path}.${group.kind}` : group.kind;
		const box = $(`<div class="rs-group rs-${group.kind}" role="group"></div>`).attr({
			"data-path": own_path,
			"aria-label": labels[group.kind],
		});
		const head = $(`<div class="rs-head"></div>`).appendTo(box);
		choice(labels, group.kind, __("How the conditions of this group combine"))
			.addClass("rs-kind")
			.appendTo(head)
			.on("change", (event) => {
				group.kind = event.target.value;
				this.changed({ structure: true });
				this.focus(`${path ? path + "." : ""}${group.kind}`, "select");
			});
		if (remove) head.append(remove_button(__("Remove this group"), remove));

		const list = $(`<div class="rs-children"></div>`).appendTo(box);
		group.children.forEach((child, i) => {
			const child_path = `${own_path}[${i}]`;
			const drop = () => {
				group.children.splice(i, 1);
				if (!group.children.length && remove) return remove();
				this.changed({ structure: true });
				this.focus(own_path, "select");
			};
			list.append(
				child.kind
					? this.group(child, child_path, depth + 1, drop)
					: this.condition(child, child_path, drop),
			);
		});
		if (!group.children.length) {
			list.append(
				`<p class="text-muted rs-everyone">${__("No condition: every relation fits.")}</p>`,
			);
		}

		const foot = $(`<div class="rs-foot"></div>`).appendTo(box);
		const add = (label, make) =>
			$(`<button type="button" class="btn btn-xs btn-default">+ ${label}</button>`)
				.appendTo(foot)
				.on("click", () => {
					group.children.push(make());
					this.changed({ structure: true });
					this.focus(`${own_path}[${group.children.length - 1}]`, "select", true);
				});
		add(__("Condition"), () => this.new_condition());
		if (depth < 6) {
			add(__("Group"), () => ({
				kind: group.kind === "any" ? "all" : "any",
				children: [this.new_condition()],
			}));
		}
		return box;
	}

	/** Keyboard users stay where they were although the groups were drawn anew. */
	focus(path, what, inside = false) {
		const places = this.parent.find("[data-path]").filter((_, el) => {
			return el.dataset.path === path || (inside && el.dataset.path.startsWith(path + "."));
		});
		(inside ? places.last() : places.first()).find(what).first().trigger("focus");
	}

	// Conditions

	new_condition() {
		const field = this.fields[0];
		return {
			field: field.key,
			operator: field.operators[0].value,
			value: default_value(field, field.operators[0].value),
		};
	}

	condition(condition, path, remove) {
		const row = $(`<div class="rs-condition" role="group"></div>`).attr("data-path", path);
		const fields = this.field_choice(condition.field).appendTo(row);
		const comparison = $(`<div class="rs-comparison"></div>`).appendTo(row);
		// the select stays while one types in it: browsers look the letters up one after the other
		fields.on("change", () => {
			const chosen = this.field[fields.val()];
			const operator = chosen.operators.some((one) => one.value === condition.operator)
				? condition.operator
				: chosen.operators[0].value;
			Object.assign(condition, {
				field: chosen.key,
				operator,
				value: default_value(chosen, operator),
			});
			this.comparison(condition, comparison);
			this.changed();
		});
		this.comparison(condition, comparison);
		return row.append(remove_button(__("Remove this condition"), remove));
	}

	field_choice(key) {
		const select = $(`<select class="form-control input-sm rs-field"></select>`).attr(
			"aria-label",
			__("Field"),
		);
		for (const name of new Set(this.fields.map((one) => one.group))) {
			const options = $("<optgroup>").attr("label", name).appendTo(select);
			this.fields
				.filter((one) => one.group === name)
				.forEach((one) => options.append($("<option>").val(one.key).text(one.label)));
		}
		return select.val(key);
	}

	/** Operator and value of a condition, anew for its field. */
	comparison(condition, parent) {
		const field = this.field[condition.field];
		const labels = Object.fromEntries(field.operators.map((one) => [one.value, one.label]));
		const operators = choice(labels, condition.operator, __("Comparison")).addClass(
			"rs-operator",
		);
		const value = $(`<div class="rs-value"></div>`);
		const show_value = () =>
			new ValueEditor(value.empty(), field, condition, () => this.changed());
		operators.on("change", () => {
			const before = takes(condition.operator);
			condition.operator = operators.val();
			if (takes(condition.operator) !== before) {
				condition.value = convert_value(condition.value, before, field, condition.operator);
				show_value();
			}
			this.changed();
		});
		parent.empty().append(operators, value);
		show_value();
	}
}

/** What an operator compares with: nothing, days, two, list, one. */
function takes(operator) {
	if (["is empty", "is not empty"].includes(operator)) return "nothing";
	if (["last days", "before days"].includes(operator)) return "days";
	if (operator === "between") return "two";
	return ["in", "not in"].includes(operator) ? "list" : "one";
}

function default_value(field, operator) {
	const shape = takes(operator);
	if (shape === "nothing") return undefined;
	if (shape === "days") return 30;
	if (shape === "two") return ["", ""];
	if (shape === "list") return [];
	if (field.type === "check") return true;
	return field.choices.length ? field.choices[0].value : "";
}

/** Keeps what was typed where the new operator can use it: `is X` becomes `is one of X`. */
function convert_value(value, before, field, operator) {
	const shape = takes(operator);
	const filled = value !== undefined && value !== "";
	if (before === "one" && filled && shape === "list") return [value];
	if (before === "one" && filled && shape === "two") return [value, ""];
	if (["list", "two"].includes(before) && shape === "one" && value?.[0]) return value[0];
	return default_value(field, operator);
}

function choice(labels, value, name) {
	const select = $(`<select class="form-control input-sm"></select>`).attr("aria-label", name);
	Object.entries(labels).forEach(([key, label]) =>
		select.append($("<option>").val(key).text(label)),
	);
	return select.val(value);
}

/** Who may not read the records of a doctype types their name: a list would stay empty. */
function may_choose(doctype) {
	return doctype && (frappe.model.can_read(doctype) || frappe.model.can_select(doctype));
}

/** The control for the value of one condition, native to its type. */
class ValueEditor {
	constructor(parent, field, condition, changed) {
		Object.assign(this, { parent, field, condition, changed });
		const shape = takes(condition.operator);
		if (shape === "days") {
			this.number(condition.value, (days) => this.set(days));
			parent.append(`<span class="rs-unit">${__("days")}</span>`);
		} else if (shape === "two") {
			this.single(condition.value?.[0], (from) => this.set([from, this.condition.value[1]]));
			parent.append(`<span class="rs-unit">${__("and")}</span>`);
			this.single(condition.value?.[1], (to) => this.set([this.condition.value[0], to]));
		} else if (shape === "list") {
			this.list();
		} else if (shape === "one") {
			this.single(condition.value, (value) => this.set(value));
		}
	}

	set(value) {
		if (JSON.stringify(value) === JSON.stringify(this.condition.value)) return;
		this.condition.value = value;
		this.changed();
	}

	single(value, set) {
		const { type, doctype, choices } = this.field;
		if (type === "check") {
			choice({ true: __("Yes"), false: __("No") }, String(Boolean(value)), __("Value"))
				.appendTo(this.parent)
				.on("change", (event) => set(event.target.value === "true"));
		} else if (choices.length) {
			choice(
				Object.fromEntries(choices.map((one) => [one.value, one.label])),
				value,
				__("Value"),
			)
				.appendTo(this.parent)
				.on("change", (event) => set(event.target.value));
		} else if (may_choose(doctype)) {
			this.link(value, set);
		} else if (type === "date") {
			this.control({ fieldtype: "Date" }, value, set);
		} else if (type === "text" || doctype) {
			this.text(value, set);
		} else {
			this.number(value, set);
		}
	}

	text(value, set) {
		return $(`<input type="text" class="form-control input-sm" maxlength="140">`)
			.attr("aria-label", __("Value"))
			.val(value)
			.appendTo(this.parent)
			.on("input", (event) => set(event.target.value));
	}

	number(value, set) {
		$(`<input type="number" step="any" class="form-control input-sm rs-number">`)
			.attr("aria-label", __("Value"))
			.val(value)
			.appendTo(this.parent)
			.on("input", (event) =>
				set(event.target.value === "" ? "" : Number(event.target.value)),
			);
	}

	link(value, set) {
		const df = { fieldtype: "Link", options: this.field.doctype, only_select: 1 };
		const filters = this.field.filters;
		if (Object.keys(filters).length) df.get_query = () => ({ filters });
		return this.control(df, value, set);
	}

	/**
	 * A control of the desk. It keeps its value in a document of its own: what the input shows is the
	 * title of a record, and arrives later than the value.
	 */
	control(df, value, set) {
		const doc = { value };
		const control = frappe.ui.form.make_control({
			parent: $(`<div class="rs-control"></div>`).appendTo(this.parent),
			df: {
				fieldname: "value",
				placeholder: __("Value"),
				...df,
				change: () => set(doc.value || ""),
			},
			only_input: true,
			render_input: true,
		});
		control.doc = doc;
		control.$input.addClass("input-sm").attr("aria-label", __("Value"));
		control.refresh();
		return control;
	}

	list() {
		const pills = $(`<span class="rs-pills"></span>`).appendTo(this.parent);
		const show = () => {
			pills.empty();
			this.condition.value.forEach((value, i) => {
				const pill = $(`<span class="rs-pill"></span>`).append(this.title(value));
				const drop = () => {
					this.set(this.condition.value.filter((_, k) => k !== i));
					show();
				};
				pill.append(remove_button(__("Remove {0}", [value]), drop)).appendTo(pills);
			});
		};
		const add = (value) => {
			if (value && !this.condition.value.includes(value)) {
				this.set([...this.condition.value, value]);
				show();
			}
		};
		show();
		if (this.field.choices.length) {
			const labels = Object.fromEntries(
				this.field.choices.map((one) => [one.value, one.label]),
			);
			choice({ "": __("Add …"), ...labels }, "", __("Add a value"))
				.appendTo(this.parent)
				.on("change", (event) => {
					add(event.target.value);
					event.target.value = "";
				});
		} else if (may_choose(this.field.doctype)) {
			const control = this.link("", (value) => {
				if (!value) return;
				add(value);
				control.set_value("");
			});
			control.$input.attr("placeholder", __("Add …"));
		} else {
			const input = this.text("", () => {}).attr("placeholder", __("Type and press Enter"));
			const take = () => {
				add(input.val().trim());
				input.val("");
			};
			input.on("change", take).on("keydown", (event) => {
				if (event.key !== "Enter") return;
				event.preventDefault();
				take();
			});
		}
	}

	/** The value as people know it; titles of linked records come when they are fetched. */
	title(value) {
		const { choices, doctype } = this.field;
		const chosen = choices.find((one) => one.value === value);
		const text = $("<span>").text(chosen ? chosen.label : __(value));
		if (doctype && (frappe.boot.link_title_doctypes || []).includes(doctype)) {
			const known = frappe.utils.get_link_title(doctype, value);
			Promise.resolve(known || frappe.utils.fetch_link_title(doctype, value)).then((title) =>
				text.text(__(title || value)),
			);
		}
		return text;
	}
}

function add_style() {
	if (document.getElementById("relation-segment-style")) return;
	const style = document.createElement("style");
	style.id = "relation-segment-style";
	style.textContent = `
		.rs-group { border: 1px solid var(--border-color); border-left: 3px solid var(--gray-500);
			border-radius: var(--border-radius); padding: 10px 12px; margin-bottom: 8px; background: var(--fg-color); }
		.rs-group.rs-all { border-left-color: var(--blue-400); }
		.rs-group.rs-any { border-left-color: var(--green-400); }
		.rs-group.rs-none { border-left-color: var(--red-400); }
		.rs-condition + .rs-group { margin-top: 6px; }
		.rs-head, .rs-foot, .rs-condition, .rs-comparison, .rs-value { display: flex; align-items: center; gap: 8px; flex-wrap: wrap; }
		.rs-head { margin-bottom: 8px; } .rs-foot { margin-top: 4px; }
		.rs-group .form-control { border: 1px solid var(--border-color); background-color: var(--control-bg); }
		.rs-group select.form-control { appearance: auto; }
		.rs-head .rs-kind { width: auto; font-weight: 500; }
		.rs-condition { padding: 3px 0; align-items: flex-start; border-radius: var(--border-radius); }
		.rs-condition .rs-field { width: 210px; } .rs-condition .rs-operator { width: 230px; }
		.rs-comparison { flex: 1; align-items: flex-start; } .rs-value { flex: 1; min-width: 180px; } .rs-value > input, .rs-value > select { width: auto; min-width: 160px; }
		.rs-value .rs-number { width: 130px; min-width: 90px; }
		.rs-control { min-width: 180px; } .rs-control .form-group, .rs-control .frappe-control { margin: 0; }
		.rs-unit { color: var(--text-muted); }
		.rs-pills { display: flex; flex-wrap: wrap; gap: 4px; }
		.rs-pill { display: inline-flex; align-items: center; padding: 1px 2px 1px 8px; border-radius: 12px;
			background: var(--control-bg); font-size: var(--text-sm); }
		.rs-remove { box-shadow: none; background: none; opacity: 0.7; } .rs-remove:hover, .rs-remove:focus { opacity: 1; }
		.rs-condition > .rs-remove, .rs-head > .rs-remove { margin-left: auto; }
		.rs-fault { outline: 2px solid var(--orange-400, orange); outline-offset: 2px; }
		.rs-status { min-height: 26px; } .rs-waiting { opacity: 0.5; }
		.rs-count { font-size: var(--text-2xl, 20px); } .rs-problem { color: var(--orange-600, var(--text-muted)); }
		.rs-words { color: var(--text-muted); margin: 4px 0 10px; } .rs-everyone { margin: 2px 0 6px; }
		.rs-table { background: var(--fg-color); } .rs-table td, .rs-table th { padding: 6px 10px !important; }
		.rs-actions { width: 40px; text-align: center; } .rs-add { margin-bottom: 10px; }
		@media (max-width: 768px) { .rs-condition .rs-field, .rs-condition .rs-operator, .rs-value { width: 100%; } }
	`;
	document.head.append(style);
}
