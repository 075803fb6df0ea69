"""What shows that a journal is what was written: reading all of it, signed checkpoints, exports with their proof.

verification  every record, seal, manifest line and the end      processes    the same, in several processes
notes         signed notes in the format of C2SP                 checkpoints  signed heads and where they are kept
taking        signing the head when it is time                   history      a journal held against its checkpoints
exports       one file with a journal and its proof
"""
