// What the monitor answers, and what is said when it does not.

export const silent = "The monitor does not answer.";
/** The same of something that was to change. */
export const unchanged = "The monitor does not answer. As far as is known, nothing was changed.";

/** Why something that was asked for is not here, in one sentence. @param {unknown} error */
export const failure = (error) => (error instanceof TypeError ? silent : /** @type {Error} */ (error).message);

/** The answer to a request; throws with the server's own sentence where it refuses. @param {Response | Promise<Response>} request */
export async function granted(request) {
  const answer = await request;
  if (answer.ok) return answer;
  const { error } = await answer.json();
  throw new Error(error);
}

/** What is in it. @param {Response | Promise<Response>} request */
export const json = async (request) => (await granted(request)).json();
