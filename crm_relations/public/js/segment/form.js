// The form of a segment: buttons, the last refresh, and the places of builder, preview, overlap and members.

import { rule_grammar, SegmentKind } from "../lib/enums.js";
import { date, number } from "../lib/format.js";
import { escape, html, table_html } from "../lib/html.js";
import { ManualMembers } from "./manual_members.js";
import { Overlap } from "./overlap.js";
import { refresh_members } from "./refresh.js";
import { segments_api } from "./requests.js";
import { RuleBuilder } from "./rule_builder.js";
import { RulePreview } from "./rule_preview.js";

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
		if (frm.segment_builder && !frm.doc.rule) {
			frm.doc.rule =
				frm.segment_builder.written || JSON.stringify(frm.segment_builder.data());
		}
		const problem = frm.segment_preview?.problem;
		if (problem && frm.doc.kind !== SegmentKind.MANUAL) {
			frappe.throw(__("{0} Correct the framed condition of the rule.", [escape(problem)]));
		}
	},

	rule(frm) {
		if (!frm.segment_builder || frm.doc.rule === frm.segment_builder.written) return;
		frm.trigger("show_rule");
	},

	show_buttons(frm) {
		if (frm.is_new()) return;
		if (frm.perm[0] && frm.perm[0].write && frm.doc.kind !== SegmentKind.MANUAL) {
			frm.add_custom_button(refresh_label(frm), () => refresh_members(frm)).addClass(
				"btn-primary-dark",
			);
		}
		frm.add_custom_button(__("Show members"), () =>
			crm_relations.lists.show_segment("Relation", frm.doc.name),
		);
		if (frappe.model.can_read("Relation Segment Member")) {
			frm.add_custom_button(
				__("Members Added and Removed"),
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
				() => crm_relations.lists.show_segment("Customer", frm.doc.name),
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
		const place = $(frm.fields_dict.preview_html.wrapper).empty();
		$(`<p class="rs-standing text-muted"></p>`).appendTo(place);
		const preview = $("<div></div>").appendTo(place);
		show_standing(frm);
		if (!frm.is_new()) show_overlap(frm, $("<div></div>").appendTo(place));
		if (frm.doc.kind === SegmentKind.MANUAL) {
			frm.segment_builder = frm.segment_preview = null;
			new ManualMembers(frm, preview);
			return;
		}
		const fields = await catalogue();
		if (frm.doc.kind === SegmentKind.MANUAL || !preview[0].isConnected) return;
		frm.set_df_property(
			"sample_by",
			"options",
			fields.filter((f) => f.rankable).map((f) => ({ value: f.key, label: f.label })),
		);
		const read_only = !(frm.perm[0] && frm.perm[0].write);
		frm.toggle_display("rule_section", !read_only);
		frm.segment_preview = new RulePreview(
			preview,
			!read_only && ((condition) => frm.segment_builder.narrow(condition)),
		);
		frm.segment_builder = new RuleBuilder({
			fields,
			offered: rule_grammar(),
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
	fetched_catalogue ??= segments_api.get("get_catalogue").catch((error) => {
		fetched_catalogue = null; // the next form asks again
		throw error;
	});
	return fetched_catalogue;
}

function show_overlap(frm, place) {
	$(`<h5 class="rs-heading"></h5>`).text(__("Overlap with Other Segments")).appendTo(place);
	new Overlap(place, frm.doc.name, rule_grammar().max_segments);
}

function refresh_label(frm) {
	if (frm.doc.kind !== SegmentKind.SNAPSHOT) return __("Refresh now");
	return frm.doc.last_refreshed ? __("Retake Snapshot") : __("Take Snapshot");
}

/** Show the number of members that the user may read, the last refresh, and what is wrong with the rule. */
async function show_standing(frm) {
	if (frm.is_new()) return;
	const segment = frm.doc.name;
	const now = await segments_api.get("standing", { segment });
	if (frm.doc.name !== segment) return;
	const count = number(now.members);
	const members = now.members === 1 ? __("{0} member", [count]) : __("{0} members", [count]);
	const said = [
		now.all ? members : __("{0} that you may read", [members]),
		now.last_refreshed ? __("as of {0}", [date(now.last_refreshed)]) : __("not refreshed yet"),
	];
	if (now.last_refreshed && frm.doc.kind !== SegmentKind.MANUAL && now.last_duration >= 0.1) {
		said.push(__("refreshed in {0} seconds", [number(now.last_duration, 1)]));
	}
	const place = $(frm.fields_dict.preview_html.wrapper).find(".rs-standing").empty();
	place.append($(`<span></span>`).text(said.join(" · ")));
	if (now.problem) place.append($(`<div class="rs-problem"></div>`).text(now.problem));
}

async function export_members(frm) {
	const answer = await segments_api.post("export_members", { segment: frm.doc.name });
	frappe.show_alert({
		message: escape(answer.message),
		indicator: "green",
	});
	if (answer.file_url) window.open(answer.file_url);
}

async function show_versions(frm) {
	const rows = await segments_api.get("rule_versions", { segment: frm.doc.name });
	const lines = rows.map(
		(row) =>
			html`<tr>
				<td>${row.version}</td>
				<td>${date(row.changed_at)}</td>
				<td>${row.changed_by}</td>
				<td>${row.words}</td>
			</tr>`,
	);
	const heads = [__("Version"), __("Changed On"), __("Changed By"), __("Rule")];
	const message_html = table_html(heads, lines, "table table-bordered");
	frappe.msgprint({
		title: __("Rules of {0}", [escape(frm.doc.segment_name)]),
		message: String(message_html),
		wide: true,
	});
}
