// States and kinds come from the server, with the data of the desk's start.
import assert from "node:assert/strict";
import { test } from "node:test";

globalThis.frappe = {
	boot: {
		crm_relations: {
			enums: { SendState: { PENDING: "Pending", SENT: "Sent" } },
			colors: { SendState: { Sent: "green" } },
		},
	},
};
const { CampaignStatus, color_of, SendState } = await import("../../public/js/lib/enums.js");

test("a member has the value of the server", () => {
	assert.equal(SendState.SENT, "Sent");
	assert.deepEqual(Object.values(SendState), ["Pending", "Sent"]);
});

test("a member that the server does not have is an error", () => {
	assert.throws(() => SendState.DONE, /SendState has no member DONE/);
	assert.throws(() => CampaignStatus.DRAFT, /CampaignStatus has no member DRAFT/);
});

test("a state without a color is gray", () => {
	assert.equal(color_of("SendState", "Sent"), "green");
	assert.equal(color_of("SendState", "Pending"), "gray");
	assert.equal(color_of("Unknown", "Sent"), "gray");
});
