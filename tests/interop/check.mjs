// One line a check, `ok …` or `not ok …`, and a status that says whether one failed.
export { default as assert } from 'node:assert/strict';

export async function check(what, body) {
    try {
        await body();
        console.log(`ok ${what}`);
    } catch (error) {
        // The message and where: the rest of an axios error holds the request, and it the signature.
        const at = error.stack?.split('\n').find((line) => line.includes('/interop/'))?.trim();
        console.log(`not ok ${what}\n  ${error.message.replaceAll('\n', '\n  ')}\n  ${at}`);
        process.exitCode = 1;
    }
}

/** The `api_key_id`, `base_url` and `private_key_path` of the sandbox that `run` started. */
export const sandbox = JSON.parse(process.env.SANDBOX);
