// The form of a segment: buttons, and where builder, preview, overlap and members stand. They live in public/js/segment_*.

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
			frm.doc.rule = JSON.stringify(frm.segment_builder.data());
		const problem = frm.segment_preview?.problem;
		if (problem && frm.doc.kind !== "Manual")
			frappe.throw(
				__("{0} Correct the framed condition of the rule.", [
					crm_relations.segments.escape(problem),
				]),
			);
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
		frm.add_custom_button(__("Show members"), () =>
			crm_relations.segments.show_list("Relation", frm.doc.name),
		);
		if (frappe.model.can_read("Relation Segment Member")) {
			frm.add_custom_button(
				__("Who came and went"),
				() =>
					frappe.set_route("List", "Relation Segment Member", { segment: frm.doc.name }),
				__("View"),
			);
		}
		if (frappe.model.can_read("Customer")) {
			frm.add_custom_button(
				__("Customers in it"),
				() => crm_relations.segments.show_list("Customer", frm.doc.name),
				__("View"),
			);
		}
		if (frappe.model.can_create("Relation Campaign")) {
			frm.add_custom_button(__("New campaign for this segment"), () =>
				frappe.new_doc("Relation Campaign", { segment: frm.doc.name }),
			);
		}
	},

	async show_rule(frm) {
		const segments = crm_relations.segments;
		segments.add_style();
		const place = $(frm.fields_dict.preview_html.wrapper).empty();
		const preview = $("<div></div>").appendTo(place);
		if (!frm.is_new()) show_overlap(frm, $("<div></div>").appendTo(place));
		if (frm.doc.kind === "Manual") {
			frm.segment_builder = frm.segment_preview = null;
			new segments.ManualMembers(frm, preview);
			return;
		}
		const fields = await catalogue();
		if (frm.doc.kind === "Manual" || !preview[0].isConnected) return;
		frm.set_df_property(
			"sample_by",
			"options",
			fields.filter((f) => f.rankable).map((f) => ({ value: f.key, label: f.label })),
		);
		const read_only = !(frm.perm[0] && frm.perm[0].write);
		frm.toggle_display("rule_section", !read_only);
		frm.segment_preview = new segments.RulePreview(
			preview,
			!read_only && ((condition) => frm.segment_builder.narrow(condition)),
		);
		frm.segment_builder = new segments.RuleBuilder({
			fields,
			parent: $(frm.fields_dict.builder_html.wrapper).empty(),
			text: frm.doc.rule,
			read_only,
			changed: (text) => frm.set_value("rule", text),
			show: (rule, mark) => frm.segment_preview.show(rule, mark),
		});
	},
});

let fetched_catalogue;
function catalogue() {
	fetched_catalogue ??= frappe
		.xcall(`${crm_relations.segments.API}get_catalogue`, {}, "GET")
		.catch((error) => {
			fetched_catalogue = null; // the next form asks again
			throw error;
		});
	return fetched_catalogue;
}

function show_overlap(frm, place) {
	$(`<h5 class="rs-heading"></h5>`).text(__("In Common with Other Segments")).appendTo(place);
	new crm_relations.segments.Overlap(place, frm.doc.name);
}

function refresh_label(frm) {
	if (frm.doc.kind !== "Snapshot") return __("Refresh now");
	return frm.doc.last_refreshed ? __("Take snapshot anew") : __("Take snapshot");
}

async function refresh_members(frm) {
	if (frm.is_dirty()) await frm.save();
	const retake = frm.doc.kind === "Snapshot" && frm.doc.last_refreshed;
	if (retake && !(await confirmed(__("Members that the rule no longer finds leave. Go on?"))))
		return;
	const result = await frappe.xcall(`${crm_relations.segments.API}refresh`, {
		segment: frm.doc.name,
		retake: Boolean(retake),
	});
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
