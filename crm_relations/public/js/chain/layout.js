// Where the boxes of a document flow stand, and which of them an arrow key leads to. Knows no screen.

export const SIZE = { width: 216, height: 104, gap_x: 40, gap_y: 18, account: 17, edge: 8 };
/** Accounts that fit into a box of normal height. */
const ACCOUNTS = 3;

/** Return key → {x, y, width, height}; a box of the ledger is as high as its accounts need. */
export function places(boxes) {
	const filled = {};
	const result = {};
	for (const box of boxes) {
		const more = Math.max((box.entries?.length || 0) - ACCOUNTS, 0);
		const height = SIZE.height + more * SIZE.account;
		const y = filled[box.column] ?? SIZE.edge;
		const x = SIZE.edge + box.column * (SIZE.width + SIZE.gap_x);
		result[box.key] = { x, y, width: SIZE.width, height };
		filled[box.column] = y + height + SIZE.gap_y;
	}
	return result;
}

/** Return the size of the picture that holds all places. */
export function extent(at) {
	const boxes = Object.values(at);
	return {
		width: Math.max(...boxes.map((box) => box.x + box.width)) + SIZE.edge,
		height: Math.max(...boxes.map((box) => box.y + box.height)) + SIZE.edge,
	};
}

/** Return the box that a key leads to from another: left and right along the arrows, up and down in the column. */
export function next_box(chain, at, key, pressed) {
	const { boxes, arrows } = chain;
	const nearest = (keys) =>
		keys.sort((a, b) => Math.abs(at[a].y - at[key].y) - Math.abs(at[b].y - at[key].y))[0];
	const in_column = (step) => {
		const { column } = boxes.find((box) => box.key === key);
		const keys = boxes.filter((box) => box.column === column).map((box) => box.key);
		return keys[keys.indexOf(key) + step];
	};
	const moves = {
		ArrowRight: () => nearest(arrows.filter(([from]) => from === key).map(([, to]) => to)),
		ArrowLeft: () => nearest(arrows.filter(([, to]) => to === key).map(([from]) => from)),
		ArrowDown: () => in_column(1),
		ArrowUp: () => in_column(-1),
		Home: () => boxes[0].key,
		End: () => boxes.at(-1).key,
	};
	return moves[pressed]?.();
}
