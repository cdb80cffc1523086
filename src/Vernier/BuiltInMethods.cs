using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using Vernier.Methods.AlphaTuning;
using Vernier.Methods.Full;
using Vernier.Methods.L4q;
using Vernier.Methods.Lora;
using Vernier.Methods.Peqa;
using Vernier.Methods.QaLora;
using Vernier.Methods.Qat;
using Vernier.Methods.QatLora;
using Vernier.Methods.Qlora;
using Vernier.Tuning;

namespace Vernier;

/// <summary>The methods of the library, in the order of help; the first is the default.</summary>
internal static class BuiltInMethods
{
    [ModuleInitializer]
    [SuppressMessage("Usage", "CA2255", Justification = "Methods lie below this list of them and know nothing of it; it must be read before the first option is.")]
    public static void Register()
    {
        TuningMethods.Register(() => new PeqaMethod());
        TuningMethods.Register(() => new L4QMethod());
        TuningMethods.Register(() => new LoraMethod());
        TuningMethods.Register(() => new QloraMethod());
        TuningMethods.Register(() => new QatMethod());
        TuningMethods.Register(() => new QatLoraMethod());
        TuningMethods.Register(() => new QaLoraMethod());
        TuningMethods.Register(() => new FullMethod());
        TuningMethods.Register(() => new AlphaTuningMethod());
    }
}
