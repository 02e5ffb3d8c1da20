// Relations that are perhaps one: the notice on the customer file, the comparison side by side, merge and its undoing.
// What comes from relations is text; all of it goes through escape() before it becomes HTML.
frappe.provide("crm_relations");

(() => {
	if (crm_relations.duplicates) return; // the file belongs to several forms and lists
	const API = "crm_relations.relations.merging.api.";
	const COLORS = { Open: "orange", Same: "blue", Different: "gray", Later: "yellow" };
	const escape = (text) => frappe.utils.escape_html(String(text ?? ""));
	const link = (name, title) =>
		`<a href="${escape(frappe.utils.get_form_link("Relation", name))}">${escape(
			title || name,
		)}</a>`;
	const percent = (value) => `${Math.round(value)} %`;

	// Agreements and differences stand next to each other, the strongest first.
	function reasons_html(reasons, most = Infinity) {
		const line = (label, color, part) =>
			part.length
				? `<div><span class="text-muted small mr-1">${label}</span>${part
						.slice(0, most)
						.map(
							({ text }) =>
								`<span class="indicator-pill no-indicator-dot ${color} mr-1 mb-1">${escape(
									text,
								)}</span>`,
						)
						.join("")}</div>`
				: "";
		const against = reasons.filter(({ weight }) => weight <= 0).reverse();
		return (
			line(
				__("In favor"),
				"green",
				reasons.filter(({ weight }) => weight > 0),
			) + line(__("Against"), "orange", against)
		);
	}

	function fields_html(preview, may_choose) {
		const cell = (row, side) => {
			const value = escape(row[side]);
			if (!may_choose || !row.choice) return value;
			return `<label class="mb-0 font-weight-normal"><input type="radio" name="take-${escape(
				row.fieldname,
			)}" value="${side}" ${side === "kept" ? "checked" : ""}> ${value}</label>`;
		};
		const head = ["keep", "other"]
			.map((side) => {
				const { name, relation_name, creation } = preview[side];
				const since = __("since {0}", [
					frappe.datetime.str_to_user(creation.split(" ")[0]),
				]);
				return `<th scope="col">${link(name, relation_name)}<div class="text-muted small">${
					side === "keep" ? __("stays") : __("is merged into it")
				}, ${escape(since)}</div></th>`;
			})
			.join("");
		const rows = preview.fields
			.map(
				(row) =>
					`<tr data-field="${escape(
						row.fieldname,
					)}"><th scope="row" class="text-muted">${escape(row.label)}</th><td class="${
						row.choice ? "font-weight-bold" : ""
					}">${cell(row, "kept")}</td><td class="${
						row.choice ? "font-weight-bold" : ""
					}">${cell(row, "other")}</td></tr>`,
			)
			.join("");
		const list = (side, key, text) =>
			preview[key]
				.filter((row) => row.relation === preview[side].name)
				.map(text)
				.join("<br>");
		const party = (row) => `${escape(__(row.doctype))}: ${escape(row.name)}`;
		const role = (row) =>
			`${escape(__(row.role))} (${escape(frappe.datetime.str_to_user(row.since))}${
				row.until ? ` – ${escape(frappe.datetime.str_to_user(row.until))}` : ""
			})`;
		const tables = [
			["parties", __("Documents"), party],
			["roles", __("Roles"), role],
		]
			.map(
				([key, label, text]) =>
					`<tr><th scope="row" class="text-muted">${label}</th><td>${list(
						"keep",
						key,
						text,
					)}</td><td>${list("other", key, text)}</td></tr>`,
			)
			.join("");
		return `<div class="table-responsive"><table class="table table-sm">
			<thead><tr><th></th>${head}</tr></thead><tbody>${rows}${tables}</tbody></table></div>`;
	}

	function moves_html(preview) {
		const line = (rows) =>
			rows.map((row) => `${escape(__(row.doctype))}: ${cint(row.count)}`).join(", ");
		const moves = preview.moves.length
			? `<p>${__("Goes over to the relation that stays: {0}", [line(preview.moves)])}</p>`
			: "";
		const stays = preview.stays.length
			? `<p class="text-warning">${__(
					"Both have it, so that it stays where it is; the other relation is then disabled instead of deleted: {0}",
					[line(preview.stays)],
			  )}</p>`
			: "";
		return `${moves}${stays}<p class="text-muted">${__(
			"The documents in ERPNext are not merged. The merge can be undone.",
		)}</p>`;
	}

	const may_merge = () =>
		frappe.model.can_write("Relation") && frappe.model.can_delete("Relation");

	async function decide(pair, state) {
		await frappe.xcall(`${API}decide`, { pair, state });
		frappe.show_alert({ message: __("Noted: {0}", [escape(__(state))]), indicator: "green" });
	}

	// The comparison of a pair in a dialog, with the decision below it.
	async function compare(pair, done) {
		const data = await frappe.xcall(`${API}compare`, { pair }, "GET");
		const dialog = new frappe.ui.Dialog({
			title: __("Perhaps the same: {0}", [percent(data.probability)]),
			size: "extra-large",
			fields: [{ fieldname: "comparison", fieldtype: "HTML" }],
		});
		let preview = data.preview;
		const render = () =>
			dialog
				.get_field("comparison")
				.$wrapper.html(
					`<div class="mb-3">${reasons_html(data.reasons)}</div>${fields_html(
						preview,
						may_merge(),
					)}${moves_html(preview)}`,
				);
		const finish = (result) => {
			dialog.hide();
			done?.(result);
		};
		if (may_merge()) {
			dialog.set_primary_action(__("Merge"), async () => {
				const take = preview.fields
					.filter(
						(row) =>
							dialog.$wrapper.find(`[name="take-${row.fieldname}"]:checked`).val() ===
							"other",
					)
					.map((row) => row.fieldname);
				const [keep, other] = [preview.keep.name, preview.other.name];
				dialog.disable_primary_action();
				try {
					const merge = await frappe.xcall(`${API}merge`, { keep, other, take });
					const form = frappe.utils.get_form_link("Relation Merge", merge);
					frappe.show_alert(
						{
							message: __("Merged. {0}", [
								`<a href="${escape(form)}">${__("Look at it or undo it")}</a>`,
							]),
							indicator: "green",
						},
						15,
					);
					finish({ merged: true, keep, other });
				} finally {
					dialog.enable_primary_action();
				}
			});
			dialog.add_custom_action(
				__("Swap"),
				async () => {
					preview = await frappe.xcall(
						`${API}preview`,
						{ keep: preview.other.name, other: preview.keep.name },
						"GET",
					);
					render();
				},
				"mr-2",
			);
		} else {
			dialog.set_primary_action(__("Same"), async () => {
				await decide(pair, "Same");
				finish({});
			});
		}
		for (const state of ["Different", "Later"]) {
			dialog.add_custom_action(
				__(state),
				async () => {
					await decide(pair, state);
					finish({});
				},
				"mr-2",
			);
		}
		render();
		dialog.show();
		return dialog;
	}

	async function show_candidates(frm) {
		const found = await frappe.xcall(`${API}candidates`, { relation: frm.doc.name }, "GET");
		frm.$wrapper.find(".relation-duplicates").remove();
		if (!found.length) return;
		const lines = found
			.slice(0, 5)
			.map(
				(row) =>
					`<div class="d-flex align-items-center justify-content-between py-1"><div>${link(
						row.other,
						row.other_name,
					)} <span class="text-muted">${percent(row.probability)}</span> ${reasons_html(
						row.reasons,
						3,
					)}</div><button type="button" class="btn btn-xs btn-default ml-3" data-pair="${escape(
						row.pair,
					)}">${__("Compare")}</button></div>`,
			)
			.join("");
		const $notice = $(
			`<div class="relation-duplicates form-message orange" role="status"><b>${__(
				"Perhaps the same",
			)}</b>${lines}</div>`,
		);
		$notice.on("click", "[data-pair]", (event) =>
			compare($(event.currentTarget).attr("data-pair"), (result) => {
				if (result.merged && result.other === frm.doc.name) {
					frappe.set_route("Form", "Relation", result.keep);
				} else {
					frm.reload_doc();
				}
			}),
		);
		$notice.prependTo(frm.layout.wrapper);
	}

	frappe.ui.form.on("Relation", {
		refresh(frm) {
			frm.$wrapper.find(".relation-duplicates").remove();
			if (!frm.is_new() && frappe.model.can_read("Relation Duplicate")) show_candidates(frm);
		},
	});

	frappe.ui.form.on("Relation Duplicate", {
		async refresh(frm) {
			frm.disable_save();
			frm.page.set_indicator(__(frm.doc.state), COLORS[frm.doc.state]);
			const pair = frm.doc.name;
			const data = await frappe.xcall(`${API}compare`, { pair }, "GET");
			frm.get_field("comparison").$wrapper.html(
				`<div class="mb-3">${reasons_html(data.reasons)}</div>${fields_html(
					data.preview,
					false,
				)}`,
			);
			const after = (result) =>
				result.merged ? frappe.set_route("List", "Relation Duplicate") : frm.reload_doc();
			if (may_merge()) {
				frm.add_custom_button(__("Merge …"), () => compare(pair, after)).addClass(
					"btn-primary",
				);
			}
			for (const state of ["Same", "Different", "Later", "Open"]) {
				if (state === frm.doc.state || !frappe.model.can_write("Relation Duplicate"))
					continue;
				frm.add_custom_button(
					state === "Open" ? __("Ask Again") : __(state),
					() => decide(pair, state).then(() => frm.reload_doc()),
					__("Decide"),
				);
			}
		},
	});

	crm_relations.duplicates = { compare, decide, COLORS };
})();
