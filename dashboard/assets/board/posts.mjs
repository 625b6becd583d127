// Posts are watched as accounts are, and are told apart wherever both are counted. Pure.

import { count } from "../shell/time.mjs";

/** @param {number} n @param {string} word */
const number = (n, word) => `${count(n)} ${word}${n === 1 ? "" : "s"}`;

/** How many of these are posts. @param {{ post: boolean }[]} list */
export const postsIn = (list) => list.reduce((n, one) => n + Number(one.post), 0);

/** Whether there are accounts and posts in it. @param {{ post: boolean }[]} list */
export const areMixed = (list) => list.some((one) => one.post) && list.some((one) => !one.post);

/** "34 accounts", "5 posts" or "34 accounts and 5 posts". @param {number} n all of them @param {number} posts those that are posts */
export function counted(n, posts) {
  if (!posts) return number(n, "account");
  return n === posts ? number(posts, "post") : `${number(n - posts, "account")} and ${number(posts, "post")}`;
}

/** "2 of 34 accounts", "2 of the 34 accounts and 5 posts" @param {number} part @param {number} n @param {number} posts */
export const partOf = (part, n, posts) => `${count(part)} of ${posts && posts < n ? "the " : ""}${counted(n, posts)}`;

/** What to say below a number of accounts and posts; empty where no post is in it. @param {number} n @param {number} posts */
export function amongWords(n, posts) {
  if (!posts) return "";
  return n === posts ? (n === 1 ? "it is a post" : "all of them are posts") : `${number(posts, "post")} among them`;
}

/** The same of changes, of which a post may have several. @param {number} n @param {number} posts */
export function ofPostsWords(n, posts) {
  if (!posts) return "";
  return n === posts ? (n === 1 ? "of a post" : "all of posts") : `${count(posts)} of posts`;
}

/** The account that a handle names: a post's is AUTHOR/ID. @param {{ handle: string, post: boolean }} of */
const authorOf = ({ handle, post }) => (post ? handle.slice(0, handle.lastIndexOf("/")) : handle);

/**
 * By handle, posts after their author. Handles alone would put `alice_b` between `alice` and `alice/1`.
 * @param {(a: string, b: string) => number} compare @returns {(a: { handle: string, post: boolean }, b: { handle: string, post: boolean }) => number}
 */
export const byHandle = (compare) => (a, b) => compare(authorOf(a), authorOf(b)) || Number(a.post) - Number(b.post) || compare(a.handle, b.handle);
