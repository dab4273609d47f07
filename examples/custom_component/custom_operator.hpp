// An operator of one's own in a decoder network.
#pragma once

/// Runs a network that uses an operator which the library does not know, and prints what it gives.
void run_custom_operator();
