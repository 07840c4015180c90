// Linked statically: LD_PRELOAD does not reach it.

int main() { return 0; }
