"""Whether an operation takes longer the more trunks the table holds: two services, one of them full, taken in turns.

Called by bench/run: RUNS TARGET SERVICE
"""

import json
import random
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import contestants
import events
import ids
import table
from runtime_api import Function
from service import Service

FEW, MANY = 20, 200_000

# In the large table the demo workspace has half of the trunks, and workspaces at the default cap have the others. In
# the small one it has all.
OWN = {FEW: FEW, MANY: MANY // 2}
CAP = 20

# Both tables can fill such a page and have another.
PAGE = FEW - 1

# What one BatchWriteItem takes.
BATCH = 25

# Between two trunks, and before the first that is created while it is measured.
APART_MS = 1000


def main(runs, target, service):
    target, runs = Path(target), int(runs)
    with ExitStack() as stack:
        places = {}
        for trunks in (FEW, MANY):
            local = stack.enter_context(Service(service, target, f"service-{trunks}"))
            began = time.monotonic()
            own = fill(local, trunks)
            print(f"{trunks:,} trunks: filled in {time.monotonic() - began:.0f} s", file=sys.stderr)
            places[trunks] = (local, own)
        rows = [row(stack, target, runs, places, *operation) for operation in operations()]
    header = ["operation"]
    for trunks in (FEW, MANY):
        header += [f"{trunks:,}: ms", "p10", "p90"]
    table.show(f"With few and many trunks in the table: {runs} warm events each, in turns", [*header, "ratio"], rows)


def operations():
    """Name, function, its event, the status of its answer. The creates come last: they leave trunks."""
    return [
        ("sweep", "sweep", lambda *_: events.sweep(), None),
        ("get", "get-sip-trunk", lambda key, own: events.get(key, random.choice(own)), 200),
        ("list", "list-sip-trunks", lambda key, _: events.list_page(key, PAGE), 200),
        ("create", "create-sip-trunk", lambda key, _: events.create(key, idempotency_key=ids.new("key", 0)), 201),
    ]


def row(stack, target, runs, places, name, function, event, status):
    functions, samples = {}, {trunks: [] for trunks in places}
    for trunks, (local, _) in places.items():
        entrant = contestants.binary(target, function, local.environment())
        functions[trunks] = stack.enter_context(Function(entrant.command, entrant.environment, contestants.log(target)))
    for round_ in range(runs + 1):
        for trunks in (FEW, MANY) if round_ % 2 else (MANY, FEW):
            local, own = places[trunks]
            answer = functions[trunks].answer(event(local.ready["api_key"], own))
            if status:
                events.body(answer, status)
            if round_:
                samples[trunks].append(answer.ms)
    figures = {trunks: table.figures(taken) for trunks, taken in samples.items()}
    cells = [f"{value:.2f}" for trunks in places for value in figures[trunks]]
    return [name, *cells, f"{figures[MANY][0] / figures[FEW][0]:.2f}"]


def fill(local, trunks):
    """Copies a trunk of the service's until there are so many, and gives the ids of those in the demo workspace."""
    workspace_id = local.ready["workspace_id"]
    partition = f"WS#{workspace_id}"
    first = local.create_trunk(local.ready["api_key"])
    record, workspace = local.read(partition, f"TRUNK#{first}"), local.read(partition, "WS")
    at = int(time.time() * 1000) - APART_MS * (trunks + 1)
    own, others, items = [first], [], []
    for count in range(1, trunks):
        if count < OWN[trunks]:
            holder = workspace_id
        else:
            if (count - OWN[trunks]) % CAP == 0:
                others.append(ids.new(workspace_id.partition("_")[0], at))
                items.append(of_workspace(workspace, others[-1]))
            holder = others[-1]
        trunk_id = ids.new("trunk", at + APART_MS * count)
        if holder == workspace_id:
            own.append(trunk_id)
        items.append(of_trunk(record, holder, trunk_id))
        if len(items) >= BATCH or count == trunks - 1:
            write(local, items)
            items = []
    full = {**workspace, "trunk_count": {"N": str(len(own))}}
    write(local, [full])
    return own


def of_trunk(record, workspace_id, trunk_id):
    """What a create leaves, with the ids of another trunk."""
    other_ids = {record["workspace_id"]["S"]: workspace_id, record["trunk_id"]["S"]: trunk_id}
    other_ids |= {record[name]["S"]: _livekit_id(record[name]["S"]) for name in record if name.startswith("livekit_")}
    text = json.dumps(record)
    for known, other in other_ids.items():
        text = text.replace(known, other)
    return json.loads(text)


def of_workspace(record, workspace_id):
    own = {"pk": {"S": f"WS#{workspace_id}"}, "workspace_id": {"S": workspace_id}, "trunk_count": {"N": str(CAP)}}
    return {**{name: value for name, value in record.items() if name != "trunk_limit"}, **own}


def _livekit_id(like):
    """`ST_` or `SDR_`, and as many characters at random."""
    prefix, _, rest = like.partition("_")
    return f"{prefix}_" + "".join(random.choices(ids.ALPHABET, k=len(rest)))


def write(local, items):
    while items:
        requests = [{"PutRequest": {"Item": item}} for item in items[:BATCH]]
        answer = local.table.call("BatchWriteItem", {"RequestItems": {local.ready["table_name"]: requests}})
        if answer["UnprocessedItems"]:
            raise RuntimeError(answer)
        items = items[BATCH:]


if __name__ == "__main__":
    main(*sys.argv[1:])
