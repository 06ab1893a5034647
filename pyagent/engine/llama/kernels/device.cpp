// What ggml sees of our kernels: an accelerator beside its CPU device, which takes the operations it is faster at.
//
// llama.cpp puts every Q8_0 matrix into a buffer of the first device that supports its product. Ours packs them as they
// arrive; everything else stays in ggml's hands.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <set>
#include <vector>

#include "attention.h"
#include "ggml-backend.h"
#include "interface.h"
#include "memory.h"
#include "product.h"

namespace {

// Where packed matrices lie. A loader that reads straight into memory passes put() by.
std::set<const char *> packed;

void pack(const ggml_tensor * w, const void * from) {
    product::pack(
        static_cast<uint8_t *>(w->data), static_cast<const product::q8_0 *>(from), w->ne[1], w->ne[0] / product::BLOCK);
    packed.insert(static_cast<const char *>(w->data));
}

void make_packed(const ggml_tensor * w) {
    const char * data = static_cast<const char *>(w->data);
    if (packed.count(data)) return;
    const std::vector<char> copy(data, data + ggml_nbytes(w));
    pack(w, copy.data());
}

struct Engine {
    int threads = 1;
    product::Activations activations;
    std::vector<attention::Seen> seen;
};

const char * name_of_backend(ggml_backend_t) { return "PyAgent"; }

void free_backend(ggml_backend_t backend) {
    delete static_cast<Engine *>(backend->context);
    delete backend;
}

ggml_status compute(ggml_backend_t backend, ggml_cgraph * graph) {
    auto & engine = *static_cast<Engine *>(backend->context);
    engine.activations.of = nullptr;
    for (int i = 0; i < ggml_graph_n_nodes(graph); i++) {
        ggml_tensor * node = ggml_graph_node(graph, i);
        if (node->op == GGML_OP_MUL_MAT) {
            make_packed(node->src[0]);
            product::compute(node, engine.activations, engine.threads);
        } else if (node->op == GGML_OP_FLASH_ATTN_EXT) {
            attention::compute(node, engine.seen, engine.threads);
        }
    }
    return GGML_STATUS_SUCCESS;
}

void set_threads(ggml_backend_t backend, int threads) {
    static_cast<Engine *>(backend->context)->threads = std::max(1, threads);
}

// -- buffers

const char * name_of_type(ggml_backend_buffer_type_t) { return "PyAgent"; }
size_t alignment(ggml_backend_buffer_type_t) { return memory::ALIGNMENT; }
// Results are plain numbers, which ggml's own operations read where they lie. Packed weights are not, but no operation
// other than ours is ever given one: the loader asks supports_op() before it puts a matrix here.
bool is_host(ggml_backend_buffer_type_t) { return true; }
memory::Block & block(ggml_backend_buffer_t buffer) { return *static_cast<memory::Block *>(buffer->context); }
void * base(ggml_backend_buffer_t buffer) { return block(buffer).at; }

void free_buffer(ggml_backend_buffer_t buffer) {
    const char * at = block(buffer).at;
    packed.erase(packed.lower_bound(at), packed.lower_bound(at + buffer->size));
    memory::release(&block(buffer));
}

void clear(ggml_backend_buffer_t buffer, uint8_t value) { std::memset(base(buffer), value, buffer->size); }

void fill(ggml_backend_buffer_t, ggml_tensor * t, uint8_t value, size_t offset, size_t size) {
    std::memset(static_cast<char *>(t->data) + offset, value, size);
}

void put(ggml_backend_buffer_t buffer, ggml_tensor * t, const void * data, size_t offset, size_t size) {
    const bool matrix =
        buffer->usage == GGML_BACKEND_BUFFER_USAGE_WEIGHTS && product::takes(t) && size == ggml_nbytes(t);
    if (block(buffer).filled)
        packed.insert(static_cast<const char *>(t->data));
    else if (matrix)
        pack(t, data);
    else
        std::memcpy(static_cast<char *>(t->data) + offset, data, size);
}

void get(ggml_backend_buffer_t, const ggml_tensor * t, void * data, size_t offset, size_t size) {
    std::memcpy(data, static_cast<const char *>(t->data) + offset, size);
}

bool copy(ggml_backend_buffer_t, const ggml_tensor * from, ggml_tensor * to) {
    if (!ggml_backend_buffer_is_host(from->buffer)) return false;
    std::memcpy(to->data, from->data, ggml_nbytes(from));
    return true;
}

const ggml_backend_buffer_i BUFFER = {
    free_buffer, base, nullptr, fill, put, get, nullptr, nullptr, copy, clear, nullptr};

ggml_backend_buffer_t allocate(ggml_backend_buffer_type_t type, size_t size) {
    memory::Block * made = memory::allocate(size);
    return made ? ggml_backend_buffer_init(type, BUFFER, made, size) : nullptr;
}

// -- device

extern ggml_backend_device DEVICE;
ggml_backend_buffer_type TYPE = {{name_of_type, allocate, alignment, nullptr, nullptr, is_host}, &DEVICE, nullptr};

const char * name_of_device(ggml_backend_dev_t) { return "PyAgent"; }
const char * description(ggml_backend_dev_t) { return "Q8_0 products and attention with AVX-512"; }
void sizes(ggml_backend_dev_t, size_t * free, size_t * total) { *free = *total = 0; }
enum ggml_backend_dev_type kind(ggml_backend_dev_t) { return GGML_BACKEND_DEVICE_TYPE_ACCEL; }
ggml_backend_buffer_type_t type_of_buffer(ggml_backend_dev_t) { return &TYPE; }

void properties(ggml_backend_dev_t device, ggml_backend_dev_props * props) {
    props->name = name_of_device(device);
    props->description = description(device);
    props->type = kind(device);
    sizes(device, &props->memory_free, &props->memory_total);
    props->caps = {false, false, false, false, true};
}

ggml_backend_t start(ggml_backend_dev_t device, const char *) {
    static uint8_t guid[16] = {'p', 'y', 'a', 'g', 'e', 'n', 't', '-', 'm', 'a', 't', 'm', 'u', 'l', '-', '1'};
    auto * backend = new ggml_backend{};
    backend->guid = &guid;
    backend->iface.name = name_of_backend;
    backend->iface.free = free_backend;
    backend->iface.compute = compute;
    backend->device = device;
    backend->context = new Engine;
    return backend;
}

bool supports(ggml_backend_dev_t, const ggml_tensor * op) {
    switch (op->op) {
        case GGML_OP_NONE:
        case GGML_OP_RESHAPE:
        case GGML_OP_VIEW:
        case GGML_OP_PERMUTE:
        case GGML_OP_TRANSPOSE: return true;
        case GGML_OP_MUL_MAT: {
            const ggml_tensor *w = op->src[0], *x = op->src[1];
            return w->buffer && ggml_backend_buffer_get_type(w->buffer) == &TYPE && product::takes(w) && !w->view_src &&
                   x->type == GGML_TYPE_F32 && x->nb[0] == sizeof(float) && ggml_is_contiguous(op);
        }
        case GGML_OP_FLASH_ATTN_EXT: return attention::takes(op);
        default: return false;
    }
}

bool supports_type(ggml_backend_dev_t, ggml_backend_buffer_type_t type) { return ggml_backend_buft_is_host(type); }

const char * name_of_registry(ggml_backend_reg_t) { return "PyAgent"; }
size_t devices(ggml_backend_reg_t) { return 1; }
ggml_backend_dev_t device(ggml_backend_reg_t, size_t) { return &DEVICE; }

void * address(ggml_backend_reg_t, const char * name) {
    return std::strcmp(name, "ggml_backend_set_n_threads") == 0 ? reinterpret_cast<void *>(set_threads) : nullptr;
}

ggml_backend_reg REGISTRY = {GGML_BACKEND_API_VERSION, {name_of_registry, devices, device, address}, nullptr};
ggml_backend_device DEVICE = {{name_of_device, description, sizes, kind, properties, start, type_of_buffer, nullptr,
                                  nullptr, supports, supports_type, nullptr, {}},
    &REGISTRY, nullptr};

}  // namespace

extern "C" int ggml_backend_score(void) { return __builtin_cpu_supports("avx512vnni") ? 1 : 0; }
extern "C" ggml_backend_reg_t ggml_backend_init(void) { return &REGISTRY; }

// The next buffer lies in this file, until shared() says whether the model was loaded.
extern "C" void pyagent_share(int file) { memory::given = file; }
extern "C" void pyagent_shared(int whole) { memory::done(whole != 0); }
