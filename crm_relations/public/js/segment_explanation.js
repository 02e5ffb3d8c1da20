// "Why is … in it?": each condition of a segment's rule with its verdict for one relation.
// What comes from documents is text; all of it goes through escape() before it becomes HTML.
(() => {
	const escape = (text) => frappe.utils.escape_html(String(text ?? ""));
	const GROUPS = {
		all: __("All of these apply"),
		any: __("At least one of these applies"),
		none: __("None of these applies"),
	};

	function verdict(value) {
		if (value === null) return `<span class="indicator-pill gray">${__("closed")}</span>`;
		return value
			? `<span class="indicator-pill green">${__("yes")}</span>`
			: `<span class="indicator-pill red">${__("no")}</span>`;
	}

	function documents(node) {
		const links = node.documents.map(
			(one) =>
				`<a href="${frappe.utils.get_form_link(
					one.doctype,
					one.name,
				)}" target="_blank">${escape(one.name)}</a> <span class="text-muted">${escape(
					one.text,
				)}</span>`,
		);
		if (node.more)
			links.push(`<span class="text-muted">${__("{0} more", [cint(node.more)])}</span>`);
		return links.length ? `<div class="small ml-3">${links.join("<br>")}</div>` : "";
	}

	function condition(node) {
		const value = node.hidden
			? __("You may not read what this rests on.")
			: __("Value: {0}", [escape(node.value)]);
		return `<li class="mb-2">${verdict(node.verdict)} ${escape(node.words)}
			<div class="small text-muted ml-3">${value}</div>${documents(node)}</li>`;
	}

	function tree(node) {
		if (!node.children) return condition(node);
		if (!node.children.length)
			return `<p>${__("The rule has no condition: every relation is in it.")}</p>`;
		return `<li class="mb-2">${verdict(node.verdict)} <b>${escape(GROUPS[node.kind])}</b>
			<ul class="list-unstyled ml-4 mt-2">${node.children.map(tree).join("")}</ul></li>`;
	}

	function dates(answer) {
		if (answer.member) {
			const entered = frappe.datetime.str_to_user(answer.entered);
			return answer.added_by
				? __("In the segment since {0}, put in by {1}.", [entered, escape(answer.added_by)])
				: __("In the segment since {0}.", [entered]);
		}
		return answer.left_on
			? __("Not in the segment; left on {0}.", [frappe.datetime.str_to_user(answer.left_on)])
			: __("Not in the segment.");
	}

	/** Pins, segments that keep out and the sample stand above the rule. */
	function standing(answer) {
		const said = [];
		const { pin, reason, kept_out_by, selected } = answer.standing;
		if (pin === "Always In") said.push(__("Pinned: always in."));
		if (pin === "Never In") said.push(__("Pinned: never in."));
		if (pin && reason) said.push(escape(reason));
		if (!pin && kept_out_by.length)
			said.push(__("Kept out by: {0}.", [escape(kept_out_by.join(", "))]));
		if (!pin && !kept_out_by.length && answer.sample && answer.rule.verdict && !selected)
			said.push(__("The rule fits, but the sample took others."));
		return said.length ? `<p>${said.join(" ")}</p>` : "";
	}

	function next_refresh(answer) {
		if (answer.standing.selected === answer.member) return "";
		return `<p class="text-warning">${
			answer.standing.selected
				? __("The next refresh lets the relation enter.")
				: __("The next refresh lets the relation leave.")
		}</p>`;
	}

	/** Shows in `$answer` why the relation is in the segment or not. */
	async function show($answer, segment, relation) {
		$answer.empty();
		if (!relation || !segment) return;
		const answer = await frappe.xcall(
			"crm_relations.segments.api.explain",
			{ segment, relation },
			"GET",
		);
		$answer.html(
			`<p>${dates(answer)}</p>` +
				(answer.rule
					? `${standing(answer)}${next_refresh(answer)}<ul class="list-unstyled">${tree(
							answer.rule,
					  )}</ul>`
					: ""),
		);
	}

	frappe.provide("crm_relations.segments").explain = show;

	frappe.ui.form.on("Relation Segment", {
		refresh(frm) {
			if (frm.is_new()) return;
			frm.add_custom_button(__("Why is … in it?"), () => {
				const dialog = new frappe.ui.Dialog({
					title: __("Why is a relation in {0}, or not?", [escape(frm.doc.segment_name)]),
					size: "large",
					fields: [
						{
							fieldname: "relation",
							fieldtype: "Link",
							options: "Relation",
							label: __("Relation"),
							change: () =>
								show(
									dialog.get_field("answer").$wrapper,
									frm.doc.name,
									dialog.get_value("relation"),
								),
						},
						{ fieldname: "answer", fieldtype: "HTML" },
					],
				});
				dialog.show();
			});
		},
	});
})();
