#!/usr/bin/env bash
# Tests the sandbox with signed requests that Schemathesis generates from the OpenAPI description: every response must match
# the description, and every operation must succeed and fail at least once. `spec.sh VENV FOLDER`, where FOLDER is for
# temporary files.
set -uo pipefail
venv=$1 folder=$2
cd "$(dirname "$0")"
export RESPONSE_COUNTS=$folder/response_counts.json HYPOTHESIS_STORAGE_DIRECTORY=$folder/hypothesis PYTHONPATH=$PWD
base_url=$(node -p 'JSON.parse(process.env.SANDBOX).base_url')
failed=0

started=$SECONDS
if "$venv/bin/st" --config-file schemathesis.toml --no-color run ../../openapi/api_keys.yaml --url "$base_url" \
    >"$folder/schemathesis.txt" 2>&1; then
    cases=$(sed -n '/^Test cases:/{n;s/^ *//p}' "$folder/schemathesis.txt")
    echo "ok spec: every response matches the description ($cases; $((SECONDS - started)) s)"
else
    echo 'not ok spec: a response does not match the description, or no request could be generated'
    sed -n '/ FAILURES \| ERRORS \| WARNINGS /,$s/^/  /p' "$folder/schemathesis.txt"
    failed=1
fi

# Guards against a run in which every request fails early, for example for lack of a valid signature.
for response in 'getApiKeys GET 200' 'getApiKeys GET 400' \
    'createApiKey POST 201' 'createApiKey POST 400' \
    'generateApiKey POST 201' 'generateApiKey POST 400' \
    'deleteApiKey DELETE 204' 'deleteApiKey DELETE 404'; do
    count=$(node -p 'JSON.parse(fs.readFileSync(process.env.RESPONSE_COUNTS))[process.argv[1]] ?? 0' "$response")
    if [ "$count" -gt 0 ]; then echo "ok spec: $response, $count times"; else
        echo "not ok spec: $response was never received"
        failed=1
    fi
done
# The signing key must remain valid to the end, and every signature must be accepted.
if rejected=$(grep -o '"[^"]* 401": [0-9]*' "$RESPONSE_COUNTS"); then
    echo "not ok spec: no signed request returns 401"
    sed 's/^/  /' <<<"$rejected"
    failed=1
else echo 'ok spec: no signed request returns 401'; fi
exit "$failed"
