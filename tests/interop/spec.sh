#!/usr/bin/env bash
# Requests made up from the spec by Schemathesis, signed, against the sandbox: no answer outside the spec, no 500, and
# every operation gets as far as it can. `spec.sh VENV FOLDER`, the folder for what is written meanwhile.
set -uo pipefail
venv=$1 folder=$2
cd "$(dirname "$0")"
export ANSWERS=$folder/answers.json HYPOTHESIS_STORAGE_DIRECTORY=$folder/hypothesis PYTHONPATH=$PWD
base_url=$(node -p 'JSON.parse(process.env.SANDBOX).base_url')
failed=0

started=$SECONDS
if "$venv/bin/st" --config-file schemathesis.toml --no-color run ../../openapi/api_keys.yaml --url "$base_url" \
    >"$folder/schemathesis.txt" 2>&1; then
    cases=$(sed -n '/^Test cases:/{n;s/^ *//p}' "$folder/schemathesis.txt")
    echo "ok spec: every answer is one of the spec ($cases; $((SECONDS - started)) s)"
else
    echo 'not ok spec: an answer is not one of the spec, or a request could not be made up'
    sed -n '/ FAILURES \| ERRORS \| WARNINGS /,$s/^/  /p' "$folder/schemathesis.txt"
    failed=1
fi

# Without these, the run would have stopped at the first hurdle, such as a key that does not sign.
for answer in 'getApiKeys GET 200' 'getApiKeys GET 400' \
    'createApiKey POST 201' 'createApiKey POST 400' \
    'generateApiKey POST 201' 'generateApiKey POST 400' \
    'deleteApiKey DELETE 204' 'deleteApiKey DELETE 404'; do
    seen=$(node -p 'JSON.parse(fs.readFileSync(process.env.ANSWERS))[process.argv[1]] ?? 0' "$answer")
    if [ "$seen" -gt 0 ]; then echo "ok spec: $answer, $seen times"; else
        echo "not ok spec: $answer was never seen"
        failed=1
    fi
done
# The key that signs was there to the end, and what it signed was right.
if refused=$(grep -o '"[^"]* 401": [0-9]*' "$ANSWERS"); then
    echo "not ok spec: no signed request is answered with 401"
    sed 's/^/  /' <<<"$refused"
    failed=1
else echo 'ok spec: no signed request is answered with 401'; fi
exit "$failed"
