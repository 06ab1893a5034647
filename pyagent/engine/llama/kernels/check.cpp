// Compares what our kernels compute with plain loops in double precision, through ggml's own interface.
//
// Each function gives the largest error as a share of the largest result, or a negative number for a refusal.

#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include "ggml-alloc.h"
#include "ggml-backend.h"
#include "interface.h"

extern "C" ggml_backend_reg_t ggml_backend_init(void);

namespace {

using Numbers = std::vector<float>;

Numbers random(size_t n, unsigned seed) {
    std::mt19937 source(seed);
    std::normal_distribution<float> normal;
    Numbers numbers(n);
    for (float & x : numbers)
        x = normal(source);
    return numbers;
}

struct Trial {
    ggml_context * context = ggml_init({ggml_tensor_overhead() * 16 + ggml_graph_overhead(), nullptr, true});
    ggml_context * weights = ggml_init({ggml_tensor_overhead() * 4, nullptr, true});
    ggml_backend_dev_t device = ggml_backend_init()->iface.device(ggml_backend_init(), 0);
    ggml_backend_t backend = device->iface.start(device, nullptr);
    ggml_backend_buffer_t buffer = nullptr, weights_buffer = nullptr;

    explicit Trial(int threads) {
        const auto set = ggml_backend_init()->iface.address(ggml_backend_init(), "ggml_backend_set_n_threads");
        reinterpret_cast<void (*)(ggml_backend_t, int)>(set)(backend, threads);
    }

    ~Trial() {
        ggml_backend_buffer_free(weights_buffer);
        ggml_backend_buffer_free(buffer);
        backend->iface.free(backend);
        ggml_free(weights);
        ggml_free(context);
    }

    void allocate() {
        if (ggml_get_first_tensor(weights)) {
            weights_buffer = ggml_backend_alloc_ctx_tensors_from_buft(weights, device->iface.buffer_type(device));
            ggml_backend_buffer_set_usage(weights_buffer, GGML_BACKEND_BUFFER_USAGE_WEIGHTS);
        }
        buffer = ggml_backend_alloc_ctx_tensors_from_buft(context, device->iface.buffer_type(device));
    }

    bool compute(ggml_tensor * out) {
        if (!device->iface.supports(device, out)) return false;
        ggml_cgraph * graph = ggml_new_graph(context);
        ggml_build_forward_expand(graph, out);
        return backend->iface.compute(backend, graph) == GGML_STATUS_SUCCESS;
    }
};

double error(const Numbers & got, const std::vector<double> & expected) {
    double worst = 0, largest = 0;
    for (size_t i = 0; i < got.size(); i++) {
        worst = std::isfinite(got[i]) ? std::max(worst, std::abs(got[i] - expected[i])) : INFINITY;
        largest = std::max(largest, std::abs(expected[i]));
    }
    return worst / largest;
}

}  // namespace

extern "C" double check_product(int inputs, int outputs, int rows, int threads) {
    Trial trial(threads);
    ggml_tensor * w = ggml_new_tensor_2d(trial.weights, GGML_TYPE_Q8_0, inputs, outputs);
    ggml_tensor * x = ggml_new_tensor_2d(trial.context, GGML_TYPE_F32, inputs, rows);
    ggml_tensor * out = ggml_mul_mat(trial.context, w, x);
    trial.allocate();
    Numbers plain = random(size_t(inputs) * outputs, 1), numbers = random(size_t(inputs) * rows, 2);
    std::vector<uint8_t> quantised(ggml_nbytes(w));
    ggml_quantize_chunk(GGML_TYPE_Q8_0, plain.data(), quantised.data(), 0, outputs, inputs, nullptr);
    ggml_get_type_traits(GGML_TYPE_Q8_0)->to_float(quantised.data(), plain.data(), plain.size());
    ggml_backend_tensor_set(w, quantised.data(), 0, quantised.size());
    ggml_backend_tensor_set(x, numbers.data(), 0, numbers.size() * sizeof(float));
    if (!trial.compute(out)) return -1;
    Numbers got(size_t(outputs) * rows);
    ggml_backend_tensor_get(out, got.data(), 0, got.size() * sizeof(float));
    std::vector<double> expected(got.size());
    for (int row = 0; row < rows; row++)
        for (int o = 0; o < outputs; o++)
            for (int i = 0; i < inputs; i++)
                expected[size_t(row) * outputs + o] +=
                    double(plain[size_t(o) * inputs + i]) * numbers[size_t(row) * inputs + i];
    return error(got, expected);
}

// Row `t` of each stream sees the cells 0..past+t, but every `holes`th.
extern "C" double check_attention(
    int size, int heads, int kv_heads, int past, int rows, int streams, int holes, int threads) {
    Trial trial(threads);
    const int cells = past + rows;
    ggml_context * c = trial.context;
    ggml_tensor * q = ggml_new_tensor_4d(c, GGML_TYPE_F32, size, rows, heads, streams);
    ggml_tensor * k = ggml_new_tensor_4d(c, GGML_TYPE_F16, size, cells, kv_heads, streams);
    ggml_tensor * v = ggml_new_tensor_4d(c, GGML_TYPE_F16, size, cells, kv_heads, streams);
    ggml_tensor * mask = ggml_new_tensor_4d(c, GGML_TYPE_F16, cells, rows, 1, 1);
    const float scale = 1.0f / std::sqrt(float(size));
    ggml_tensor * out = ggml_flash_attn_ext(c, q, k, v, mask, scale, 0.0f, 0.0f);
    trial.allocate();
    const auto fill = [](ggml_tensor * t, unsigned seed) {
        Numbers numbers = random(ggml_nelements(t), seed);
        if (t->type == GGML_TYPE_F32) {
            ggml_backend_tensor_set(t, numbers.data(), 0, ggml_nbytes(t));
            return numbers;
        }
        std::vector<ggml_fp16_t> halves(numbers.size());
        ggml_fp32_to_fp16_row(numbers.data(), halves.data(), numbers.size());
        ggml_fp16_to_fp32_row(halves.data(), numbers.data(), numbers.size());
        ggml_backend_tensor_set(t, halves.data(), 0, ggml_nbytes(t));
        return numbers;
    };
    const Numbers qs = fill(q, 1), ks = fill(k, 2), vs = fill(v, 3);
    const auto sees = [&](int row, int cell) { return cell <= past + row && (!holes || cell % holes != holes - 1); };
    std::vector<ggml_fp16_t> masked(size_t(cells) * rows);
    for (int row = 0; row < rows; row++)
        for (int cell = 0; cell < cells; cell++)
            masked[size_t(row) * cells + cell] = ggml_fp32_to_fp16(sees(row, cell) ? 0 : -INFINITY);
    ggml_backend_tensor_set(mask, masked.data(), 0, ggml_nbytes(mask));
    if (!trial.compute(out)) return -1;
    Numbers got(ggml_nelements(out));
    ggml_backend_tensor_get(out, got.data(), 0, ggml_nbytes(out));
    std::vector<double> expected(got.size());
    for (int s = 0; s < streams; s++)
        for (int h = 0; h < heads; h++)
            for (int row = 0; row < rows; row++) {
                const float * query = &qs[((size_t(s) * heads + h) * rows + row) * size];
                const size_t first = (size_t(s) * kv_heads + h / (heads / kv_heads)) * cells;
                double total = 0;
                double * to = &expected[((size_t(s) * rows + row) * heads + h) * size];
                for (int cell = 0; cell < cells; cell++) {
                    if (!sees(row, cell)) continue;
                    double dot = 0;
                    for (int d = 0; d < size; d++)
                        dot += double(query[d]) * ks[(first + cell) * size + d];
                    const double weight = std::exp(dot * scale);
                    total += weight;
                    for (int d = 0; d < size; d++)
                        to[d] += weight * vs[(first + cell) * size + d];
                }
                for (int d = 0; d < size; d++)
                    to[d] /= total;
            }
    return error(got, expected);
}
