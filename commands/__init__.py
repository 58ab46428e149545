"""What a person can ask for at the door, a room for each kind of wish."""

import gc
import os

# Pydantic would else read the particulars of every installed package in search of plug-ins, of which we have none.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
# Loading makes objects by the ten thousand, and nearly none of them is garbage.
gc.set_threshold(20_000, 20, 20)
