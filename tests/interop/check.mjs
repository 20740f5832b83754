// Prints `ok NAME` or `not ok NAME` for each check, and sets the exit status if one fails.
export { default as assert } from 'node:assert/strict';

export async function check(name, body) {
    try {
        await body();
        console.log(`ok ${name}`);
    } catch (error) {
        // Only the message and location: an axios error also contains the request with its signature.
        const location = error.stack?.split('\n').find((line) => line.includes('/interop/'))?.trim();
        console.log(`not ok ${name}\n  ${error.message.replaceAll('\n', '\n  ')}\n  ${location}`);
        process.exitCode = 1;
    }
}

/** The `api_key_id`, `base_url` and `private_key_path` of the sandbox that `run` started. */
export const sandbox = JSON.parse(process.env.SANDBOX);

/** The same of the sandbox of an FCM member, for sdk.mjs only. */
export const fcmSandbox = JSON.parse(process.env.FCM_SANDBOX ?? 'null');
