"""Counts words: what stands between an answer and its columns where jq does not reach (see lists.toml).

Each line that comes in is an answer, as JSON: {"ordinal": 7, "endpoint": "notes", "input": {"list_id": "…"},
"status": 200, "body": "…"}. For each, one line goes out, which repeats the ordinal (and "page", where the endpoint has
pages): {"ordinal": 7, "answer": any JSON}, or {"ordinal": 7, "error": "what is wrong with it"}. Nothing else may go to
standard output: print(…, file=sys.stderr) goes to the shard's log.
"""

import collections
import json
import sys

for line in sys.stdin:
    asked = json.loads(line)
    words = asked["body"].split()
    if words:
        often = collections.Counter(word.strip(".,").lower() for word in words).most_common(1)[0][0]
        said = {"answer": {"words": len(words), "often": often}}
    else:
        said = {"error": "a note without a word"}
    print(json.dumps({"ordinal": asked["ordinal"], **said}), flush=True)
