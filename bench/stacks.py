"""What perf sampled: stacks, which part of the binary each belongs to, and a flame graph."""

import re
import subprocess
from collections import Counter
from html import escape
from zlib import crc32

# If one of the kernel's frames fits it, the first of these.
KERNEL = [
    ("kernel: sending", r"writev|sendto|sendmsg"),
    ("kernel: receiving", r"recvfrom|recvmsg"),
    ("kernel: waiting", r"epoll|schedule"),
    ("kernel: log lines", r"ksys_write"),
    ("kernel: the rest", r""),
]

# Of the other frames the innermost that fits one: what fits none works for its caller.
PARTS = [
    ("allocation", r"\b(_int_)?(malloc|c?free|calloc|realloc)|\bunlink_chunk|__rust_|__rdl_"),
    ("TLS", r"rustls|webpki|ring_core|ring::(aead|ec|digest|hkdf|agreement|rand)|aes_|gcm_|chacha|x25519|p256"),
    ("SHA-256, HMAC", r"\bsha2|hmac|sha256|digest::"),
    ("LiveKit: protobuf, JWT", r"prost|livekit|jsonwebtoken|base64"),
    ("AWS SDKs: signing", r"sigv4|aws_runtime::auth"),
    ("AWS SDKs: JSON", r"aws_smithy_json|aws_sdk_\w+::protocol_serde"),
    ("AWS SDKs: the rest", r"aws_|smithy"),
    ("events: JSON", r"serde|lambda_events|itoa|ryu"),
    ("HTTP", r"hyper|\bhttp\b|httparse|tower|http_body"),
    ("Lambda runtime", r"lambda_"),
    ("logs", r"tracing"),
    ("ours", r"trunkline_"),
    ("tokio", r"tokio|mio::"),
]
OTHERS = "others"
_KERNEL, _PARTS = ([(name, re.compile(pattern)) for name, pattern in parts] for parts in (KERNEL, PARTS))

KERNEL_MARK = " [kernel]"


def read(data):
    """How often each stack was sampled, from the outermost frame to the innermost."""
    command = ["perf", "script", "--no-inline", "-i", data, "-F", "ip,sym,dso"]
    script = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    filtered = subprocess.run(["c++filt"], input=script, check=True, capture_output=True, text=True).stdout
    found = Counter()
    for block in filtered.split("\n\n"):
        frames = [_frame(line) for line in block.splitlines() if line.strip()]
        if frames:
            found[tuple(reversed(frames))] += 1
    return found


def _frame(line):
    """A frame's name, of `ADDRESS NAME (FILE)`."""
    _, _, rest = line.strip().partition(" ")
    name, _, file = rest.rpartition(" (")
    name = re.sub(r"::h[0-9a-f]{16}$|\+0x[0-9a-f]+$", "", name)
    return name + KERNEL_MARK if file.startswith("[kernel") else name


def part(stack):
    """Whose time a sample is."""
    kernel = [frame for frame in stack if frame.endswith(KERNEL_MARK)]
    if kernel:
        return next(name for name, pattern in _KERNEL if any(map(pattern.search, kernel)))
    return next((name for frame in reversed(stack) for name, pattern in _PARTS if pattern.search(frame)), OTHERS)


def shares(sampled):
    """Each part's share of the samples, largest first."""
    counts = Counter()
    for stack, count in sampled.items():
        counts[part(stack)] += count
    return [(name, count / sum(counts.values())) for name, count in counts.most_common()]


WIDTH, ROW, FONT = 1600, 16, 11
# Narrower boxes are left out.
LEAST = 0.3


def flame_graph(sampled):
    """An SVG: callees stand on their callers, each as wide as it was often sampled."""
    total, boxes = sum(sampled.values()), []
    deepest = _boxes(sorted(sampled.items()), 0, 0, total, boxes)
    height = (deepest + 2) * ROW
    parts = []
    for name, depth, left, count in boxes:
        x, width = left / total * WIDTH, count / total * WIDTH
        if width < LEAST:
            continue
        y, hue = height - (depth + 1) * ROW, crc32(part((name,)).encode()) % 360
        label = escape(name[: int(width / FONT * 1.7)]) if width > 3 * FONT else ""
        parts.append(
            f'<g><title>{escape(name)}: {count / total:.2%}</title>'
            f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="{ROW - 1}" fill="hsl({hue},60%,75%)"/>'
            f'<text x="{x + 2:.1f}" y="{y + FONT}">{label}</text></g>'
        )
    style = f'font-family="monospace" font-size="{FONT}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" {style}>{"".join(parts)}</svg>\n'


def _boxes(stacks, depth, left, total, boxes):
    """Adds the boxes above `depth`, of stacks that are alike below it; gives the deepest."""
    deepest, at = depth, 0
    while at < len(stacks):
        stack, count = stacks[at]
        if len(stack) <= depth:
            left, at = left + count, at + 1
            continue
        alike = at
        while alike < len(stacks) and len(stacks[alike][0]) > depth and stacks[alike][0][depth] == stack[depth]:
            alike += 1
        width = sum(count for _, count in stacks[at:alike])
        boxes.append((stack[depth], depth, left, width))
        deepest = max(deepest, _boxes(stacks[at:alike], depth + 1, left, total, boxes))
        left, at = left + width, alike
    return deepest
