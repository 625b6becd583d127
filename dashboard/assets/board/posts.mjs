// Numbers of accounts and posts in words. A number that counts both says how many are posts. Pure.

import { count } from "../shell/time.mjs";

/** @param {number} n @param {string} word */
const number = (n, word) => `${count(n)} ${word}${n === 1 ? "" : "s"}`;

/** How many accounts these are, each of a group of quiet accounts counted. @param {{ n: number }[]} list */
export const sizeOf = (list) => list.reduce((sum, one) => sum + one.n, 0);

/** The number of posts among these. @param {{ n: number, post: boolean }[]} list */
export const postsIn = (list) => list.reduce((sum, one) => sum + (one.post ? one.n : 0), 0);

/** Whether these are accounts and posts. @param {{ post: boolean }[]} list */
export const areMixed = (list) => list.some((one) => one.post) && list.some((one) => !one.post);

/** No posts in any figure of Live. @type {PostKpis} */
export const NO_POSTS = { watched: 0, blocked: 0, new_blocks: 0, restored: 0, provisional: 0, unread: 0 };

/** "34 accounts", "5 posts" or "34 accounts and 5 posts". @param {number} n all of them @param {number} posts those that are posts */
export function counted(n, posts) {
  if (!posts) return number(n, "account");
  return n === posts ? number(posts, "post") : `${number(n - posts, "account")} and ${number(posts, "post")}`;
}

/** "2 of 34 accounts", "2 of the 34 accounts and 5 posts" @param {number} part @param {number} n @param {number} posts */
export const partOf = (part, n, posts) => `${count(part)} of ${posts && posts < n ? "the " : ""}${counted(n, posts)}`;

/** How many of the accounts and posts in a number are posts; empty for none. @param {number} n @param {number} posts */
export function amongWords(n, posts) {
  if (!posts) return "";
  return n === posts ? (n === 1 ? "it is a post" : "all of them are posts") : `${number(posts, "post")} among them`;
}

/** How many of the changes in a number are of posts, of which each may have several; empty for none. @param {number} n @param {number} posts */
export function ofPostsWords(n, posts) {
  if (!posts) return "";
  return n === posts ? (n === 1 ? "of a post" : "all of posts") : `${count(posts)} of posts`;
}

/** The handle of the account. The handle of a post is AUTHOR/ID. @param {{ handle: string, post: boolean }} of */
const authorOf = ({ handle, post }) => (post ? handle.slice(0, handle.lastIndexOf("/")) : handle);

/**
 * By handle, posts after their author. Handles alone would put `alice_b` between `alice` and `alice/1`.
 * @param {(a: string, b: string) => number} compare @returns {(a: { handle: string, post: boolean }, b: { handle: string, post: boolean }) => number}
 */
export const byHandle = (compare) => (a, b) => compare(authorOf(a), authorOf(b)) || Number(a.post) - Number(b.post) || compare(a.handle, b.handle);
