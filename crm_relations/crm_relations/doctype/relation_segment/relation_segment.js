// The form of a segment: buttons, how its last refresh went, and where builder, preview, overlap and members stand.
// These live in public/js/segment_*.

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
			frm.doc.rule =
				frm.segment_builder.written || JSON.stringify(frm.segment_builder.data());
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
		if (frappe.model.can_export("Relation")) {
			frm.add_custom_button(__("Export as csv"), () => export_members(frm), __("View"));
		}
		if (frm.doc.rule_version > 1) {
			frm.add_custom_button(__("Earlier Rules"), () => show_versions(frm), __("View"));
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
		$(`<p class="rs-standing text-muted"></p>`).appendTo(place);
		const preview = $("<div></div>").appendTo(place);
		show_standing(frm);
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

const EVENT = "relation_segment_refresh";

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

/** Queues the refresh and shows how far it is; told in real time, and asked for where no message arrives. */
async function refresh_members(frm) {
	if (frm.is_dirty()) await frm.save();
	const segment = frm.doc.name;
	const retake = frm.doc.kind === "Snapshot" && frm.doc.last_refreshed;
	if (retake && !(await confirmed(__("Members that the rule no longer finds leave. Go on?"))))
		return;
	const { API } = crm_relations.segments;
	const before = await frappe.xcall(`${API}standing`, { segment }, "GET");
	const title = __("Refreshing {0}", [segment]);
	const done = new Promise((resolve) => {
		const tell = (message) => {
			if (message.segment !== segment) return;
			if (message.done) return resolve(message.error || "");
			frappe.show_progress(title, message.step, message.steps, message.text);
		};
		frappe.realtime.on(EVENT, tell);
		let asked = 0;
		const ask = async () => {
			const now = await frappe.xcall(`${API}standing`, { segment }, "GET");
			const changed = ["last_refreshed", "problem"].some((key) => now[key] !== before[key]);
			if (changed) return resolve(now.problem || "");
			if (++asked < 300) return setTimeout(ask, 2000);
			resolve(__("The refresh goes on in the background. Load the form again later."));
		};
		setTimeout(ask, 1000);
	});
	await frappe.xcall(`${API}start_refresh`, { segment, retake: Boolean(retake) });
	frappe.show_progress(title, 0, 100, __("Waiting for a background worker"));
	const problem = await done;
	frappe.realtime.off(EVENT);
	frappe.hide_progress();
	if (problem) frappe.msgprint({ title, message: crm_relations.segments.escape(problem) });
	else
		frappe.show_alert({
			message: __("{0} is up to date.", [crm_relations.segments.escape(segment)]),
			indicator: "green",
		});
	if (frm.doc.name === segment) await frm.reload_doc();
}

/** Members that the user may read, when they were brought up to date, and what is wrong with the rule. */
async function show_standing(frm) {
	if (frm.is_new()) return;
	const segment = frm.doc.name;
	const { API } = crm_relations.segments;
	const now = await frappe.xcall(`${API}standing`, { segment }, "GET");
	if (frm.doc.name !== segment) return;
	const count = format_number(now.members, null, 0);
	const members = now.members === 1 ? __("{0} member", [count]) : __("{0} members", [count]);
	const said = [
		now.all ? members : __("{0} that you may read", [members]),
		now.last_refreshed
			? __("as of {0}", [frappe.datetime.str_to_user(now.last_refreshed)])
			: __("not refreshed yet"),
	];
	if (now.last_refreshed && frm.doc.kind !== "Manual" && now.last_duration >= 0.1)
		said.push(__("refreshed in {0} seconds", [format_number(now.last_duration, null, 1)]));
	const place = $(frm.fields_dict.preview_html.wrapper).find(".rs-standing").empty();
	place.append($(`<span></span>`).text(said.join(" · ")));
	if (now.problem) place.append($(`<div class="rs-problem"></div>`).text(now.problem));
}

async function export_members(frm) {
	const answer = await frappe.xcall(`${crm_relations.segments.API}export_members`, {
		segment: frm.doc.name,
	});
	frappe.show_alert({
		message: crm_relations.segments.escape(answer.message),
		indicator: "green",
	});
	if (answer.file_url) window.open(answer.file_url);
}

async function show_versions(frm) {
	const rows = await frappe.xcall(
		`${crm_relations.segments.API}rule_versions`,
		{ segment: frm.doc.name },
		"GET",
	);
	const { escape } = crm_relations.segments;
	const line = (row) => `<tr><td>${escape(row.version)}</td>
		<td>${escape(frappe.datetime.str_to_user(row.changed_at))}</td>
		<td>${escape(row.changed_by)}</td><td>${escape(row.words)}</td></tr>`;
	const heads = [__("Version"), __("Changed On"), __("Changed By"), __("Rule")];
	frappe.msgprint({
		title: __("Rules of {0}", [escape(frm.doc.segment_name)]),
		message: `<table class="table table-bordered"><thead><tr>${heads
			.map((head) => `<th>${head}</th>`)
			.join("")}</tr></thead><tbody>${rows.map(line).join("")}</tbody></table>`,
		wide: true,
	});
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
