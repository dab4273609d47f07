// The source of aecnn::separate.
#include <aecnn/nn/separate.hpp>
