using Vernier.Kernels;

namespace Vernier.Models;

/// <summary>Where a decoder's weights come from, by Hugging Face name and in Hugging Face row order: a file, a folder, or a random start.</summary>
internal interface IWeightSource
{
    /// <summary>A matrix in whatever form the source stores it.</summary>
    /// <exception cref="InvalidDataException">It is missing, or its shape is not [rows, columns].</exception>
    WeightMatrix Matrix(string name, int rows, int columns);

    /// <summary>Writes a vector as fp32.</summary>
    /// <exception cref="InvalidDataException">It is missing, or of another length.</exception>
    void Vector(string name, Span<float> destination);
}
