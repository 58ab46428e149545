"""What distinguishes one agency from another: its name, judged by what is particular in it."""
