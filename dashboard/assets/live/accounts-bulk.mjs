// What is done with the accounts that are selected.

export function drawBulk(place, rows, state, on) {
  place.hidden = rows.length === 0;
}
