// Places in a column of numbers that never fall.

/**
 * The first place whose value is greater than `t`.
 * @param {ArrayLike<number>} column @param {number} t @param {number} low @param {number} high
 */
export function after(column, t, low = 0, high = column.length) {
  while (low < high) {
    const middle = (low + high) >> 1;
    if (column[middle] > t) high = middle;
    else low = middle + 1;
  }
  return low;
}

/**
 * The first place whose value is not less than `t`.
 * @param {ArrayLike<number>} column @param {number} t @param {number} low @param {number} high
 */
export function upTo(column, t, low = 0, high = column.length) {
  while (low < high) {
    const middle = (low + high) >> 1;
    if (column[middle] >= t) high = middle;
    else low = middle + 1;
  }
  return low;
}
