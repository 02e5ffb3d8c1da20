// The form of a campaign: queries, uploads, and readiness or progress by its status.

import { CampaignStatus, color_of } from "../lib/enums.js";
import { $progress } from "./api.js";
import { add_buttons } from "./buttons.js";
import { show_progress } from "./progress.js";
import { show_readiness } from "./readiness.js";

const NOT_STARTED = [CampaignStatus.DRAFT, CampaignStatus.APPROVED];

frappe.realtime.on("relation_campaign_progress", ({ campaign }) => {
	if (cur_frm?.doctype === "Relation Campaign" && cur_frm.doc.name === campaign) {
		show_progress(cur_frm);
	}
});

/** Add a button that uploads a file to the campaign and lists it among the attachments of emails. */
function add_upload(frm) {
	frm.fields_dict.files.grid.add_custom_button(__("Upload"), () => {
		new frappe.ui.FileUploader({
			doctype: frm.doctype,
			docname: frm.doc.name,
			folder: "Home/Attachments",
			make_attachments_public: false,
			on_success: (file) => {
				frm.add_child("files", { file: file.name });
				frm.refresh_field("files");
				frm.dirty();
			},
		});
	});
}

frappe.ui.form.on("Relation Campaign", {
	onload(frm) {
		frm.set_query("file", "files", () => ({
			filters: {
				attached_to_doctype: frm.doctype,
				attached_to_name: frm.doc.name,
				is_folder: 0,
			},
		}));
		frm.set_query("segment", () => ({ filters: { disabled: 0 } }));
		frm.set_query("email_account", () => ({ filters: { enable_outgoing: 1 } }));
		// the desk fills in the user's default company; without one, the campaign is for all companies
		const untouched = frm.is_new() && !frm.doc.campaign_name;
		if (untouched && !frappe.route_options?.company) frm.set_value("company", null);
	},

	refresh(frm) {
		frm.page.set_indicator(__(frm.doc.status), color_of("CampaignStatus", frm.doc.status));
		$progress(frm).empty();
		if (frm.is_new()) return;
		if (frm.perm[0]?.write) {
			add_buttons(frm);
			add_upload(frm);
		}
		if (NOT_STARTED.includes(frm.doc.status)) show_readiness(frm);
		else show_progress(frm);
	},

	on_hide(frm) {
		clearTimeout(frm.progress_timer);
	},
});
