"""Change kinds, one file per flow: everything that knows a kind of change is in its file.

A flow file reads from top to bottom: what the kind is, when it is planned and why not, how its request is built, how
the target is probed, what is checked right before the write, how it is written. The kind's name, target, step, edges,
limits and operator are in `magodoo.domain.kinds`; the flow registers its behaviour under that entry (`registry`). The
other modules hold what several flows share.
"""
